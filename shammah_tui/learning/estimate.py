"""What a run would be, before anything is loaded: rows, steps, memory, time. No torch is imported for it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from shammah_tui.learning.arguments import TINY_PARAMETERS, TrainArguments
from shammah_tui.learning.memory import plan, read_shape
from shammah_tui.learning.rows import Row, with_held_out

CHARACTERS_A_TOKEN = 3.0
# What the chat template writes round a prompt.
TEMPLATE_TOKENS = 32
FLOAT_BYTES = 4
# Of the machine's rate of multiplication, by what was measured on CPUs.
REACHED_SHARE = 0.4
MEASURED_SIZE = 512


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a run on the CPU in float32. `seconds` is for the training alone, and rough."""

    rows: dict[str, dict[str, int]]
    """Kind → colour → rows."""
    rules: int
    held_out: int
    steps: int
    learning_rate: float
    parameters: int
    adapter_parameters: int
    needed_bytes: int
    free_bytes: int
    checkpointing: bool
    tokens: int
    """Through the model in all steps, guessed from the rows' characters."""
    seconds: float


def estimate(base: Path, rows: Sequence[Row], arguments: TrainArguments) -> Estimate:
    """Raises `ModelError` where the base cannot be trained, `MemoryShort` where it does not fit."""
    shape = read_shape(base)
    marked = with_held_out(rows)
    counts: dict[str, Counter[str]] = {}
    for row in marked:
        counts.setdefault(row.kind, Counter())[row.color] += 1
    lengths = [_tokens(row) for row in marked]
    free = psutil.virtual_memory().available
    room = plan(shape, rank=arguments.rank, value_bytes=FLOAT_BYTES, longest=max(lengths), free_bytes=free)
    rules = len({row.rule for row in marked if row.kind == "in_scope"})
    steps = arguments.chosen_steps(rules, shape.parameters)
    tokens = round(
        steps * max(4, arguments.batch_rows) * (1 + arguments.replay_share) * sum(lengths) / max(1, len(lengths))
    )
    operations = 4 * shape.parameters * tokens
    return Estimate(
        rows={kind: dict(found) for kind, found in counts.items()},
        rules=rules,
        held_out=sum(row.held_out for row in marked),
        steps=steps,
        learning_rate=arguments.chosen_rate(shape.parameters),
        parameters=shape.parameters,
        adapter_parameters=shape.adapter_parameters_per_rank * arguments.rank,
        needed_bytes=room.needed_bytes,
        free_bytes=free,
        checkpointing=room.checkpointing,
        tokens=tokens,
        seconds=operations / (REACHED_SHARE * _rate(small=shape.parameters < TINY_PARAMETERS)),
    )


def _tokens(row: Row) -> int:
    text = "".join(str(message.get("content") or "") for message in row.messages)
    return TEMPLATE_TOKENS + round((len(text) + max(len(row.chosen), len(row.rejected), 1)) / CHARACTERS_A_TOKEN)


def _rate(*, small: bool) -> float:
    """Operations a second of a product of matrices like the base's, on the spot."""
    size = MEASURED_SIZE // 2 if small else 2 * MEASURED_SIZE
    left, right = np.ones((MEASURED_SIZE, size), np.float32), np.ones((size, size), np.float32)
    left @ right
    started, rounds = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < 0.1:
        left @ right
        rounds += 1
    return 2 * rounds * MEASURED_SIZE * size * size / seconds
