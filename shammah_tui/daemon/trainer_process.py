"""The trainer's process as the engine sees it: started in a group of its own, read line by line, ended for sure."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from shammah_tui.errors import EngineError

LINE_BYTES_MAX = 1 << 26
END_SECONDS = 15.0
LOG_TAIL_BYTES = 4096


class TrainerProcess:
    """Its children are in its group, so that nothing of it is left behind."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log

    @classmethod
    async def started(cls, folder: Path) -> Self:
        """`folder` holds its `job.json`; what it says on standard error goes to `trainer.log` there. Raises OSError."""
        log = folder / "trainer.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "shammah_tui.daemon.trainer", str(folder / "job.json")),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        return cls(process, log)

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """What it says, until it ends. Raises EngineError with the cause where it fails."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            try:
                event: dict[str, Any] = json.loads(line)
            except ValueError:
                continue  # a library that prints
            if event.get("event") == "Failed":
                raise EngineError(str(event["message"]), str(event["hint"]))
            yield event
        status = await self._process.wait()
        if status:
            raise EngineError(f"The trainer ended unexpectedly ({_ending(status)}).", self._last_words())

    async def end(self) -> None:
        """Politely, then with its whole group. Returns once it is gone; does nothing to one that is."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                said = file.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""
        return said.rsplit("\n", 1)[-1]


def _ending(status: int) -> str:
    if status == -signal.SIGKILL:
        return "killed, most likely for want of memory"
    return f"signal {-status}" if status < 0 else f"exit status {status}"
