"""Commands that run in the background: each has an id, its output is kept within bounds, and it can be stopped."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from shammah_tui.tools.bounded import Decoder, HeadAndTail
from shammah_tui.tools.shell import Shell

_READ_SECONDS = 60.0


class Job:
    """One command in the background."""

    def __init__(self, name: str, command: str, shell: Shell, kept: HeadAndTail) -> None:
        self.name = name
        self.command = command
        self._shell = shell
        self._kept = kept
        self._stopping = False
        self._drain = asyncio.create_task(self._read())

    @property
    def state(self) -> str:
        if self._stopping:
            return "stopped"
        return "running" if self._shell.status is None else f"ended with exit status {self._shell.status}"

    @property
    def is_running(self) -> bool:
        return self._shell.status is None

    def output(self) -> str:
        return self._kept.text("send the output of a long command to a file to read all of it")

    async def stop(self, grace_seconds: float) -> None:
        """End it and what it started. Safe to call twice."""
        self._stopping = self._stopping or self.is_running
        await self._shell.stop(grace_seconds)
        await asyncio.wait({self._drain})

    async def _read(self) -> None:
        decoder = Decoder()
        while (data := await self._shell.read(_READ_SECONDS)) is not None:
            self._kept.add(decoder.decode(data))
        self._kept.add(decoder.decode(b"", final=True))


class Jobs:
    """The background commands of one session. Its owner calls `close` at the end."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    async def start(
        self, command: str, argv: Sequence[str], cwd: Path, environment: Mapping[str, str], *, characters: int
    ) -> Job:
        """Raises OSError where it cannot be started. `characters` bounds what is kept of its output."""
        shell = await Shell.start(argv, cwd, environment)
        job = Job(f"job-{next(self._numbers)}", command, shell, HeadAndTail(characters))
        self._jobs[job.name] = job
        return job

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def all(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def running(self) -> tuple[Job, ...]:
        return tuple(job for job in self._jobs.values() if job.is_running)

    async def close(self, grace_seconds: float = 1.0) -> None:
        """End all of them."""
        await asyncio.gather(*(job.stop(grace_seconds) for job in self._jobs.values()))
        self._jobs.clear()
