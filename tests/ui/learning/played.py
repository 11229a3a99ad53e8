"""A training that a test plays: the port of the learning screen, with runs and adapters as told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from shammah_tui.runtime.adapter_memory import Choices
from shammah_tui.runtime.learning import LearningStatus
from shammah_tui.wire import AdapterSummary, RunState

PLAN = {
    "event": "TrainingPlanned",
    "steps": 60,
    "rated_rows": 40,
    "replay_rows": 120,
    "device": "cpu",
    "needed_bytes": 600_000_000,
}


def step(number: int, steps: int = 60) -> dict[str, Any]:
    return {
        "event": "StepReported",
        "step": number,
        "steps": steps,
        "loss": 2.0 * math.exp(-number / 15) + 0.1,
        "nll": 1.0,
        "kl": 0.004 + 0.01 * math.exp(-((number - 20) ** 2) / 100),
        "learning_rate": 1e-3 * (1 - number / steps),
        "grad_norm": 0.5 + 0.3 * math.sin(number),
        "num_tokens": number * 900,
        "answer_tokens": number * 300,
        "tokens_per_second": 1180 + 40 * math.sin(number / 3),
        "seconds_left": (steps - number) * 0.4,
        "loss_by_color": {"red": 0.4 + 1 / number, "yellow": 0.3 + 1 / number},
    }


RUNNING: tuple[Mapping[str, Any], ...] = (
    {"event": "PhaseStarted", "phase": "train"},
    PLAN,
    *(step(number) for number in range(1, 42)),
    {"event": "HeldOutMeasured", "step": 20, "nll": 0.9, "kl": 0.012, "adherence": 0.7, "unchanged": 0.97},
    {"event": "HeldOutMeasured", "step": 40, "nll": 0.4, "kl": 0.009, "adherence": 0.95, "unchanged": 0.98},
)
CRITERIA = (
    ("adherence", "use logging instead of print", 0.02, 0.97, "≥ 90 %", 30, True, True),
    ("rewrite likelier than the criticised answer", "", 0.1, 0.93, "≥ 80 %", 30, True, True),
    ("retention NLL", "", 1.842, 1.849, "≤ +1 %", 64, True, False),
    ("KL a token", "", None, 0.008, "≤ 0.02", 64, True, False),
    ("near scope unchanged", "", None, 0.96, "≥ 90 %", 25, True, True),
    ("out of scope unchanged", "", None, 0.99, "≥ 95 %", 80, True, True),
)
NAMES = ("name", "rule", "before", "value", "limit", "n", "passed", "is_share")
GATE = {
    "event": "GateJudged",
    "scale": 1.0,
    "accepted": True,
    "criteria": [dict(zip(NAMES, row, strict=True)) for row in CRITERIA],
    "examples": [
        {
            "kind": "in_scope",
            "prompt": "Write a Python function that logs a start",
            "before": "def start():\n    print('start')",
            "after": "def start():\n    logging.info('start')",
        }
    ],
}
ACCEPTED: tuple[Mapping[str, Any], ...] = (
    *RUNNING,
    {"event": "PhaseStarted", "phase": "gate"},
    GATE,
    {"event": "RunEnded", "accepted": True},
)


def _nothing_chosen() -> SimpleNamespace:
    return SimpleNamespace(shown="", session=None, root=Path("/home/ada/project"))


@dataclass
class Played:
    """`events` of the newest run; it stays open where they do not end it."""

    events: Sequence[Mapping[str, Any]] = ()
    listed: Sequence[RunState] = ()
    kept: Sequence[AdapterSummary] = ()
    done: list[str] = field(default_factory=list)
    remembered: Choices = field(default_factory=Choices)
    adapter_choice: SimpleNamespace = field(default_factory=_nothing_chosen)

    async def choices(self) -> Choices:
        return self.remembered

    async def runs(self) -> Sequence[RunState]:
        return self.listed

    async def follow(self, run: str) -> AsyncGenerator[Mapping[str, Any], None]:
        for event in self.events:
            yield event
        if not self.events or self.events[-1]["event"] != "RunEnded":
            await asyncio.Event().wait()

    async def train(self) -> str:
        self.done.append("train")
        return "new"

    async def cancel(self) -> None:
        self.done.append("cancel")

    async def adapters(self) -> Sequence[AdapterSummary]:
        return self.kept

    async def use(self, name: str) -> None:
        self.done.append(f"use {name}")

    async def roll_back(self) -> str:
        self.done.append("roll back")
        return ""

    def start(self) -> None:
        """Nothing begins by itself here."""

    async def statuses(self) -> AsyncGenerator[LearningStatus, None]:
        await asyncio.Event().wait()
        yield LearningStatus()

    async def close(self) -> None:
        """Nothing runs."""
