"""What happened in a training run, as frozen values; the worker's lines are the first four as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from shammah_tui.wire import figure

Phase = Literal["base", "train", "convert", "gate", "write"]


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    phase: Phase


@dataclass(frozen=True, slots=True)
class TrainingPlanned:
    """What the worker is about to do. Bytes of memory are an estimate made before anything was loaded."""

    steps: int
    rated_rows: int
    replay_rows: int
    held_out_rows: int
    parameters: int
    trained_parameters: int
    device: str
    dtype: str
    learning_rate: float
    pack_tokens: int
    """Most tokens that go through the model at once."""
    checkpointing: bool
    needed_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class StepReported:
    """One optimizer step; losses in nats a token, the names are TRL's where it has one. `kl` is over replayed rows,
    `nll` over rated ones, weighted."""

    step: int
    steps: int
    loss: float
    nll: float
    kl: float
    learning_rate: float
    grad_norm: float
    num_tokens: int
    """Tokens through the model since the start, prompts included."""
    answer_tokens: int
    """Tokens that carried loss since the start."""
    tokens_per_second: float
    """Answer tokens a second, over the whole run so far."""
    seconds_left: float
    loss_by_color: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldOutMeasured:
    """On rows that are not learned. `nll` and `adherence` look at the tokens that turn a rated answer, those which the
    base would not have said: their likelihood, and the share of rows where greedy says all of them. `unchanged`: share
    of replayed rows that greedy would answer as the base does."""

    step: int
    nll: float
    kl: float
    adherence: float
    rated: int
    unchanged: float
    replayed: int
    best: bool


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    steps: int
    best_step: int
    stopped_early: bool
    seconds: float
    answer_tokens: int
    num_tokens: int
    tokens_per_second: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the gate's table. `value` is measured with the adapter, `before` without; `n` is what it was
    measured on. `limit` is in words, as it is shown."""

    name: str
    before: float | None
    value: float
    limit: str
    n: int
    passed: bool
    rule: str = ""
    is_share: bool = True
    """Whether the values are shares, of 0 to 1; nats a token else."""


@dataclass(frozen=True, slots=True)
class GateJudged:
    """The gate's table at one scale of the adapter."""

    scale: float
    accepted: bool
    criteria: tuple[Criterion, ...]
    examples: tuple[dict[str, str], ...] = ()
    """Rows that failed or changed: kind, prompt, before, after."""

    @property
    def reasons(self) -> list[str]:
        return [described(criterion) for criterion in self.criteria if not criterion.passed]


@dataclass(frozen=True, slots=True)
class RunEnded:
    """`folder` holds the adapter where it was accepted; `report.json` and `steps.jsonl` are there in any case."""

    accepted: bool
    reasons: tuple[str, ...]
    folder: Path
    scale: float
    seconds: float


WorkerEvent = TrainingPlanned | StepReported | HeldOutMeasured | TrainingEnded
RunEvent = PhaseStarted | WorkerEvent | GateJudged | RunEnded

_FROM_WORKER = {kind.__name__: kind for kind in (TrainingPlanned, StepReported, HeldOutMeasured, TrainingEnded)}


def described(criterion: Criterion) -> str:
    value = figure(criterion.value, is_share=criterion.is_share)
    before = ""
    if criterion.before is not None:
        before = f" (before {figure(criterion.before, is_share=criterion.is_share)})"
    rule = f" of “{criterion.rule}”" if criterion.rule else ""
    return f"{criterion.name}{rule}: {value}{before}, wanted {criterion.limit}, n = {criterion.n}"


def to_line(event: WorkerEvent) -> str:
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def read_log(path: Path) -> list[WorkerEvent]:
    """The events of a `steps.jsonl`. A torn line, as a killed run leaves it, is passed over."""
    found: list[WorkerEvent] = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        with suppress(ValueError, KeyError, TypeError):
            found.append(from_line(line.decode("utf-8")))
    return found


def from_line(line: str) -> WorkerEvent:
    """Raises `ValueError`, `KeyError` or `TypeError` for a line that is no event of the worker."""
    fields: dict[str, Any] = json.loads(line)
    return _FROM_WORKER[fields.pop("event")](**fields)
