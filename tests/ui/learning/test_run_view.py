"""A run as it is looked at, from the trainer's own events."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.learning.event import (
    Criterion,
    GateJudged,
    HeldOutMeasured,
    PhaseStarted,
    RunEnded,
    StepReported,
)
from shammah_tui.ui.learning.run_view import RunView, sparkline


def told(event: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"event": type(event).__name__, **asdict(event)}, default=str))
    return found


STEP = StepReported(3, 60, 0.5, 0.4, 0.01, 1e-3, 0.7, 900, 300, 120.0, 9.0, {"red": 0.6})


def test_a_whole_run_is_seen_step_by_step() -> None:
    run = RunView()
    assert run.headline == ""
    run.hear(told(PhaseStarted("train")))
    run.hear(told(STEP))
    assert run.is_running
    assert run.headline == "training: step 3 of 60"
    assert (run.loss, run.kl, run.loss_by_color) == ([(3, 0.5)], [(3, 0.01)], {"red": 0.6})
    run.hear(told(HeldOutMeasured(3, 0.3, 0.02, 0.9, 10, 0.98, 50, True)))
    assert run.held_out == [(3, 0.3)]
    judged = GateJudged(
        0.75, True, (Criterion("adherence", 0.1, 0.97, "≥ 90 %", 30, True, "use logging"),), ({"kind": "in_scope"},)
    )
    run.hear(told(judged))
    (row,) = run.gate
    assert (row.rule, row.n, row.passed, run.gate_scale) == ("use logging", 30, True, 0.75)
    run.hear(told(RunEnded(False, ("KL: 0.3",), Path("x"), 1.0, 20.0)))
    assert run.phase == ""
    assert run.reasons == ["KL: 0.3"]
    assert "stays as it was" in run.headline


def test_the_table_is_that_of_the_scale_that_the_verdict_is_about() -> None:
    run = RunView()
    for scale, value in ((1.0, 0.88), (0.5, 0.83)):
        run.hear(told(GateJudged(scale, False, (Criterion("near", None, value, "≥ 90%", 67, False),), ())))
    assert run.gate_scale == 0.5
    run.hear(told(RunEnded(False, ("near: 0.88",), Path("x"), 1.0, 20.0)))
    assert (run.gate_scale, run.gate[0].value) == (1.0, 0.88)


def test_what_it_does_not_know_is_passed_over_and_what_is_broken_changes_nothing() -> None:
    run = RunView()
    run.hear({"event": "FromTheFuture", "x": 1})
    run.hear({})
    with pytest.raises((KeyError, ValueError)):
        run.hear({"event": "StepReported", "step": 1, "loss": "much"})
    assert run == RunView()


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [([], 5, ""), ([1, 1], 5, "▁▁"), ([0, 7], 5, "▁█"), (list(range(8)), 8, "▁▂▃▄▅▆▇█"), ([0, 0, 7, 7], 2, "▁█")],
)
def test_a_sparkline_is_as_wide_as_it_has_room(values: list[float], width: int, bars: str) -> None:
    assert sparkline(values, width) == bars
