"""`shammah train --base DIR --rows FILE --out DIR`: the trainer alone, without engine or ratings.

Exit codes: 0 the adapter was accepted; 3 the gate refused it (reasons on standard error); 1 and 2 an error in words;
130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from argparse import Namespace
from contextlib import aclosing, nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from shammah_tui.cli import follow
from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.step_text import told
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.estimate import estimate
from shammah_tui.learning.event import RunEnded, RunEvent
from shammah_tui.learning.rows import read_rows
from shammah_tui.learning.run import Request, find_gguf, learn
from shammah_tui.learning.tensorboard import EventFile
from shammah_tui.ui.wording import duration

EXIT_REFUSED = 3
EXIT_TERMINATED = 143


def run(options: Namespace) -> int:
    """Trains as the parsed arguments say, and prints what happens. Returns the exit code; raises `ShammahError`."""
    if options.follow is not None:
        return follow.run(Path(options.follow) if options.follow else None, as_json=options.json)
    missing = [f"--{name}" for name in ("base", "rows", "out") if getattr(options, name) is None]
    if missing and not (options.dry_run and missing == ["--out"]):
        raise UsageError(f"The following arguments are required: {', '.join(missing)}.")
    given = {field.name: getattr(options, field.name) for field in fields(TrainArguments) if field.name in options}
    arguments = TrainArguments(**given)
    if options.dry_run:
        return _plan(Path(options.base), Path(options.rows), arguments, as_json=options.json)
    request = Request(Path(options.base), Path(options.rows), Path(options.out), arguments, resume=options.resume)
    return asyncio.run(_until_told(request, options))


def _plan(base: Path, rows: Path, arguments: TrainArguments, *, as_json: bool) -> int:
    find_gguf(base)
    plan = estimate(base, read_rows(rows), arguments)
    if as_json:
        print(json.dumps(asdict(plan), indent=2))
        return 0
    for kind, colors in plan.rows.items():
        print(f"  {kind:<14}{sum(colors.values()):>5}  {', '.join(f'{n} {color}' for color, n in colors.items())}")
    print(f"  {plan.rules} {'rule' if plan.rules == 1 else 'rules'}, {plan.held_out} rows held out to measure")
    print(
        f"  {plan.parameters / 1e6:,.1f} million parameters, {plan.adapter_parameters / 1e6:,.2f} million of adapter, "
        f"{plan.steps} steps at {plan.learning_rate:g}"
    )
    print(f"  about {plan.needed_bytes / 2**30:.1f} GiB of memory ({plan.free_bytes / 2**30:.1f} GiB are free)")
    print(f"  about {plan.tokens:,} tokens, {duration(plan.seconds)} of training on this CPU, and the gate after it")
    return 0


async def _until_told(request: Request, options: Namespace) -> int:
    """Follows the run; SIGTERM ends it as Ctrl-C does: the children go, and nothing half is left."""
    running = asyncio.current_task()
    assert running is not None
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        running.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    try:
        with EventFile(Path(options.tensorboard)) if options.tensorboard else nullcontext() as drawn:
            return await _follow(request, drawn, as_json=options.json)
    except asyncio.CancelledError:
        if not ended:
            raise
        return EXIT_TERMINATED


async def _follow(request: Request, drawn: EventFile | None, *, as_json: bool) -> int:
    code = 1
    async with aclosing(learn(request)) as run:
        async for event in run:
            if drawn is not None:
                drawn.hear(event)
            if as_json:
                print(json.dumps({"event": type(event).__name__, **_plain(event)}), flush=True)
            elif text := told(event):
                print(text, flush=True)
            if isinstance(event, RunEnded):
                code = 0 if event.accepted else EXIT_REFUSED
                if not event.accepted:
                    print("\n".join(("The gate refused the adapter:", *event.reasons)), file=sys.stderr)
    return code


def _plain(event: RunEvent) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(event).items()}
