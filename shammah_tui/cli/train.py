"""`shammah train --base DIR --rows FILE --out DIR`: the trainer alone, without engine or ratings.

Exit codes: 0 the adapter was accepted; 3 the gate refused it (reasons on standard error); 1 and 2 an error in words;
130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shammah_tui.errors import ShammahError
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
EXIT_INTERRUPTED = 130

_PHASES = {
    "base": "Asking the base for its own answers …",
    "train": "Training …",
    "convert": "Converting to GGUF …",
    "gate": "Measuring the adapter on the deployed model …",
    "write": "Writing …",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", type=Path, required=True, help="Hugging Face folder with its GGUF beside the weights")
    parser.add_argument("--rows", type=Path, required=True, help="JSONL, one row a line")
    parser.add_argument("--out", type=Path, required=True, help="folder for the adapter; must not exist, or be empty")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0, help="optimizer steps; 0: 60 a rule, at most 300")
    parser.add_argument("--rank", type=int, default=TrainArguments().rank)
    parser.add_argument("--alpha", type=float, default=TrainArguments().alpha)
    parser.add_argument("--batch-rows", type=int, default=TrainArguments().batch_rows, help="rated rows in a step")
    parser.add_argument(
        "--replay-share", type=float, default=TrainArguments().replay_share, help="replayed rows to each"
    )
    parser.add_argument("--learning-rate", type=float, default=0.0, help="0: by the size of the base")
    parser.add_argument("--kl-weight", type=float, default=TrainArguments().kl_weight)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: the physical cores")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])


def request_of(given: argparse.Namespace) -> Request:
    arguments = TrainArguments(
        rank=given.rank,
        alpha=given.alpha,
        steps=given.steps,
        batch_rows=given.batch_rows,
        replay_share=given.replay_share,
        learning_rate=given.learning_rate,
        kl_weight=given.kl_weight,
        seed=given.seed,
        threads=given.threads,
        device=given.device,
    )
    return Request(base=given.base, rows=given.rows, out=given.out, arguments=arguments)


def run(given: argparse.Namespace) -> int:
    """Trains as the parsed arguments say, and prints what happens. Returns the exit code; raises `ShammahError`."""
    try:
        return asyncio.run(_follow(request_of(given), as_json=given.json))
    except KeyboardInterrupt:
        print("The training was interrupted; nothing was written.", file=sys.stderr)
        return EXIT_INTERRUPTED


def main(words: Sequence[str] | None = None) -> int:
    """The command on its own: `python -m shammah_tui.cli.train`."""
    parser = argparse.ArgumentParser(prog="shammah train", description=__doc__)
    add_arguments(parser)
    given = parser.parse_args(words)
    try:
        return run(given)
    except ShammahError as error:
        print(error, file=sys.stderr)
        return error.exit_code


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


if __name__ == "__main__":
    sys.exit(main())
