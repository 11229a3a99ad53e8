"""A training run as it is looked at: filled by its events, one after the other. Pure; no widget, no clock.

Events are the trainer's, as JSON objects with their name under `event`; see `learning.event`. What is not known here is
passed over, so that a later trainer can say more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PHASES = {
    "base": "asking the model as it is",
    "train": "training",
    "convert": "converting to GGUF",
    "gate": "measuring what was deployed",
    "write": "keeping the adapter",
}


@dataclass(frozen=True, slots=True)
class GateRow:
    """One line of the gate's table; `before` is None where it has no meaning."""

    name: str
    rule: str
    before: float | None
    value: float
    limit: str
    n: int
    passed: bool
    is_share: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt, answered by the model as it was and with the adapter."""

    kind: str
    prompt: str
    before: str
    after: str


@dataclass
class RunView:
    """`phase` is empty before the run began and after it ended; losses are nats a token."""

    phase: str = ""
    step: int = 0
    steps: int = 0
    seconds_left: float = 0.0
    plan: Mapping[str, Any] = field(default_factory=dict)
    loss: list[tuple[int, float]] = field(default_factory=list)
    kl: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    held_out_kl: list[tuple[int, float]] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    tokens_per_second: list[float] = field(default_factory=list)
    loss_by_color: Mapping[str, float] = field(default_factory=dict)
    adherence: float | None = None
    unchanged: float | None = None
    gate: Sequence[GateRow] = ()
    gate_scale: float = 1.0
    examples: Sequence[Example] = ()
    accepted: bool | None = None
    """None until the run ended."""
    reasons: Sequence[str] = ()
    _judged: dict[float, Mapping[str, Any]] = field(default_factory=dict)
    """The gate's tables by scale."""

    def hear(self, event: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError for an event that is none; the view is then as it was before."""
        match event.get("event"):
            case "PhaseStarted":
                self.phase = str(event["phase"])
            case "TrainingPlanned":
                self.plan, self.steps = dict(event), int(event["steps"])
            case "StepReported":
                self._step(event)
            case "HeldOutMeasured":
                step = int(event["step"])
                self.held_out.append((step, float(event["nll"])))
                self.held_out_kl.append((step, float(event["kl"])))
                self.adherence, self.unchanged = float(event["adherence"]), float(event["unchanged"])
            case "GateJudged":
                self._judged[float(event["scale"])] = event
                self._show_gate(event)
            case "RunEnded":
                # Of several scales that were tried, the one that the verdict and its reasons are about.
                if (judged := self._judged.get(float(event.get("scale", 0)))) is not None:
                    self._show_gate(judged)
                self.phase, self.accepted = "", bool(event["accepted"])
                self.reasons = [str(reason) for reason in event.get("reasons", ())]
            case _:
                pass

    def _show_gate(self, event: Mapping[str, Any]) -> None:
        self.gate = [_gate_row(row) for row in event["criteria"]]
        self.gate_scale = float(event["scale"])
        self.examples = [
            Example(*(str(found.get(name, "")) for name in ("kind", "prompt", "before", "after")))
            for found in event.get("examples", ())
        ]

    def _step(self, event: Mapping[str, Any]) -> None:
        step, loss, kl = int(event["step"]), float(event["loss"]), float(event["kl"])
        rate, norm, speed = (float(event[name]) for name in ("learning_rate", "grad_norm", "tokens_per_second"))
        self.step, self.steps, self.seconds_left = step, int(event["steps"]), float(event["seconds_left"])
        self.loss.append((step, loss))
        self.kl.append((step, kl))
        self.learning_rate.append(rate)
        self.grad_norm.append(norm)
        self.tokens_per_second.append(speed)
        self.loss_by_color = {**self.loss_by_color, **event.get("loss_by_color", {})}

    @property
    def is_running(self) -> bool:
        return bool(self.phase)

    @property
    def headline(self) -> str:
        """What it does, or how it ended; empty before it began."""
        if self.accepted is not None:
            return "accepted: the model has learned it" if self.accepted else "refused: the model stays as it was"
        if not self.phase:
            return ""
        doing = PHASES.get(self.phase, self.phase)
        if self.phase == "train" and self.steps:
            return f"{doing}: step {self.step} of {self.steps}"
        return doing


def _gate_row(row: Mapping[str, Any]) -> GateRow:
    before = row.get("before")
    return GateRow(
        str(row["name"]),
        str(row.get("rule", "")),
        None if before is None else float(before),
        float(row["value"]),
        str(row["limit"]),
        int(row["n"]),
        bool(row["passed"]),
        bool(row.get("is_share", True)),
    )


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as bars, each the mean of its share where there are more than `width`; as wide as it has them."""
    if not values or width < 1:
        return ""
    if len(values) > width:
        size = len(values) / width
        parts = [values[int(at * size) : max(int(at * size) + 1, int((at + 1) * size))] for at in range(width)]
        values = [sum(part) / len(part) for part in parts]
    low, high = min(values), max(values)
    if high == low:
        return _BARS[0] * len(values)
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in values)
