"""One training run as a child of the engine: `python -m shammah_tui.daemon.trainer JOB.json`.

Says what happens as JSON lines on its standard output, `Failed` with its cause last where it fails. It ends, with the
children that it has itself, when it is told to by SIGTERM, and when its standard input is closed: so no run goes on
after an engine that was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shammah_tui.errors import ShammahError
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.run import Request, learn

# The engine answers first: a chat beside a run stays fluid.
NICENESS = 10
EXIT_CANCELLED = 143


def main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    return asyncio.run(_until_told(_request(job)))


def _request(job: dict[str, Any]) -> Request:
    return Request(
        base=Path(job["base"]),
        rows=Path(job["rows"]),
        out=Path(job["out"]),
        arguments=TrainArguments(**job["arguments"]),
        model=Path(job["model"]),
        parent=job["parent"],
    )


async def _until_told(request: Request) -> int:
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(_run(request))
    loop.add_signal_handler(signal.SIGTERM, running.cancel)
    loop.add_reader(sys.stdin.fileno(), _end_with_engine, running)
    try:
        return await running
    except asyncio.CancelledError:
        return EXIT_CANCELLED


def _end_with_engine(running: asyncio.Future[int]) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        running.cancel()


async def _run(request: Request) -> int:
    try:
        async with aclosing(learn(request)) as events:
            async for event in events:
                _say({"event": type(event).__name__, **asdict(event)})
    except ShammahError as error:
        _say({"event": "Failed", "message": error.message, "hint": error.hint})
        return 1
    return 0


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
