"""One process in a session of its own: what it prints in pieces, and an end that takes its descendants along."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_PIECE_BYTES = 65_536
# How long a finished command's output may still flow from children that it left behind.
_DRAIN_SECONDS = 0.2
_POLL_SECONDS = 0.01
_REAP_SECONDS = 2.0
_SETTLE_SECONDS = 0.1


class Shell:
    """A running process; whoever starts it must `stop` it, also when it has ended."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, pipe: asyncio.ReadTransport
    ) -> None:
        self._process = process
        self._reader = reader
        self._pipe = pipe
        self._exit = asyncio.ensure_future(process.wait())
        self._piece: asyncio.Future[bytes] | None = None
        self._is_silent = False
        self._drained_at: float | None = None

    @classmethod
    async def start(cls, argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Shell:
        """Standard input closed, both outputs in one pipe. Raises OSError where it cannot be started."""
        ours, theirs = os.pipe()
        try:
            reader = asyncio.StreamReader(limit=_PIECE_BYTES)
            # The pipe first: nothing is awaited between the start of the process and whoever will stop it.
            pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
            )
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    cwd=cwd,
                    env=dict(environment),
                    start_new_session=True,
                )
            except BaseException:
                pipe.close()
                raise
        finally:
            os.close(theirs)
        return cls(process, reader, pipe)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    async def read(self, seconds: float) -> bytes | None:
        """The next piece of output, empty where none came within `seconds`; None once there will be no more."""
        loop = asyncio.get_running_loop()
        if self._exit.done():
            if self._drained_at is None:
                self._drained_at = loop.time() + _DRAIN_SECONDS
            if self._is_silent or loop.time() >= self._drained_at:
                return None
        waiting: set[asyncio.Future[bytes] | asyncio.Future[int]] = set()
        if not self._is_silent:
            self._piece = self._piece or asyncio.ensure_future(self._reader.read(_PIECE_BYTES))
            waiting.add(self._piece)
        if not self._exit.done():
            waiting.add(self._exit)
        await asyncio.wait(waiting, timeout=min(seconds, _DRAIN_SECONDS), return_when=asyncio.FIRST_COMPLETED)
        if self._piece is None or not self._piece.done():
            return b""
        data, self._piece = self._piece.result(), None
        self._is_silent = not data
        return data

    async def stop(self, grace_seconds: float) -> bool:
        """End the process, its group, and what it started elsewhere: SIGTERM, then SIGKILL after the grace.

        True where something still ran. Returns when the process is gone.
        """
        family = await asyncio.to_thread(self._descendants)
        was_running = await self._runs_on(family)
        if was_running:
            self._signal(signal.SIGTERM, family)
            deadline = asyncio.get_running_loop().time() + grace_seconds
            while self._is_alive(family) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(_POLL_SECONDS)
            family |= await asyncio.to_thread(self._descendants)
            self._signal(signal.SIGKILL, family)
            deadline = asyncio.get_running_loop().time() + _REAP_SECONDS
            while any(map(_runs, family)) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(_POLL_SECONDS)
        await asyncio.wait({self._exit}, timeout=_REAP_SECONDS)
        if self._piece is not None:
            self._piece.cancel()
        self._pipe.close()
        return was_running

    async def _runs_on(self, family: set[psutil.Process]) -> bool:
        """Whether something of it still runs; what ends together with the process (a sandbox's own) has a moment to."""
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while self._is_alive(family):
            if not self._exit.done():
                return True
            if asyncio.get_running_loop().time() >= deadline:
                # A group of zombies, which somebody else has to reap, counts as alive above.
                return any(map(_runs, family)) or await asyncio.to_thread(self._group_runs)
            await asyncio.sleep(_POLL_SECONDS)
        return False

    def _group_runs(self) -> bool:
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(process.pid) == self.pid and _runs(process):
                    return True
        return False

    def _descendants(self) -> set[psutil.Process]:
        """Children of any depth; those that went into another session are found here alone."""
        with suppress(psutil.Error):
            return set(psutil.Process(self.pid).children(recursive=True))
        return set()

    def _signal(self, number: signal.Signals, family: set[psutil.Process]) -> None:
        """Send to the group and to each of the family."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self.pid, number)
        for process in family:
            with suppress(psutil.Error):
                process.send_signal(number)

    def _is_alive(self, family: set[psutil.Process]) -> bool:
        if any(map(_runs, family)) or not self._exit.done():
            return True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, 0)
            return True
        return False


def _runs(process: psutil.Process) -> bool:
    """Whether it is there and more than a zombie."""
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
