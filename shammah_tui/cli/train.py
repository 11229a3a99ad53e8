"""`shammah train --base DIR --rows FILE --out DIR`: the trainer alone, without engine or ratings.

Exit codes: 0 the adapter was accepted; 3 the gate refused it (reasons on standard error); 1 and 2 an error in words;
130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.event import (
    Criterion,
    GateJudged,
    HeldOutMeasured,
    PhaseStarted,
    RunEnded,
    RunEvent,
    StepReported,
    TrainingEnded,
    TrainingPlanned,
    described,
)
from shammah_tui.learning.run import Request, learn

EXIT_REFUSED = 3

_PHASES = {
    "base": "Asking the base for its own answers …",
    "train": "Training …",
    "convert": "Converting to GGUF …",
    "gate": "Measuring the adapter on the deployed model …",
    "write": "Writing …",
}


def run(options: Namespace) -> int:
    """Trains as the parsed arguments say, and prints what happens. Returns the exit code; raises `ShammahError`."""
    given = {field.name: getattr(options, field.name) for field in fields(TrainArguments) if field.name in options}
    request = Request(Path(options.base), Path(options.rows), Path(options.out), TrainArguments(**given))
    return asyncio.run(_follow(request, as_json=options.json))


async def _follow(request: Request, *, as_json: bool) -> int:
    code = 1
    async for event in learn(request):
        if as_json:
            print(json.dumps({"event": type(event).__name__, **_plain(event)}), flush=True)
        elif text := _told(event):
            print(text, flush=True)
        if isinstance(event, RunEnded):
            code = 0 if event.accepted else EXIT_REFUSED
            if not event.accepted:
                print("\n".join(("The gate refused the adapter:", *event.reasons)), file=sys.stderr)
    return code


def _plain(event: RunEvent) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(event).items()}


def _told(event: RunEvent) -> str:
    """What a person reads of an event; empty for nothing."""
    match event:
        case PhaseStarted(phase):
            return _PHASES[phase]
        case TrainingPlanned():
            return (
                f"  {event.rated_rows} rated and {event.replay_rows} replayed rows, {event.held_out_rows} held out; "
                f"{event.steps} steps on {event.device} in {event.dtype}; about {event.needed_bytes / 2**30:.1f} GiB "
                f"of memory ({event.free_bytes / 2**30:.1f} GiB free)."
            )
        case StepReported() if event.step % 5 == 0 or event.step == event.steps:
            return (
                f"  step {event.step:>3}/{event.steps}  loss {event.loss:.4f}  nll {event.nll:.4f}  kl {event.kl:.5f}  "
                f"{event.tokens_per_second:,.0f} answer tokens/s  {event.seconds_left:.0f} s left"
            )
        case HeldOutMeasured():
            return (
                f"  held out: adherence {event.adherence:.0%} (n = {event.rated}), "
                f"unchanged {event.unchanged:.0%} (n = {event.replayed})"
            )
        case TrainingEnded() if event.stopped_early:
            return f"  stopped early after {event.steps} steps; the best was {event.best_step}."
        case GateJudged():
            verdict = "accepted" if event.accepted else "refused"
            return "\n".join([f"  scale {event.scale:g}: {verdict}", *map(_criterion, event.criteria)])
        case RunEnded(accepted=True):
            return f"Accepted in {event.seconds:.0f} s: {event.folder}"
        case _:
            return ""


def _criterion(criterion: Criterion) -> str:
    return f"    {'ok ' if criterion.passed else 'NO '} {described(criterion)}"
