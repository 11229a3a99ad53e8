"""Downloads a model by a child process (`hub`), told as events. The engine's loop is never blocked, and stopping is
prompt: leaving the generator ends the child, and what came stays on the disk to be continued.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shammah_tui import paths
from shammah_tui.bootstrap import cache, ledger
from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.hub import protocol
from shammah_tui.errors import DownloadError
from shammah_tui.events import Progress

RATE_WINDOW_SECONDS = 5.0
# A line holds one event; the longest lists the files of one model.
LINE_LIMIT_BYTES = 1024**2
STDERR_TAIL_BYTES = 2000
STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Downloading:
    """Bytes that are here, over all files. `notice` says what it is busy with when no bytes come."""

    progress: Progress
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """All files are here and verified. `paths` are in the order of `files`."""

    revision: str
    files: tuple[RemoteFile, ...]
    paths: tuple[Path, ...]


class Rate:
    """Bytes a second, smoothed: an exponential mean whose memory is RATE_WINDOW_SECONDS."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._bytes = 0
        self._rate = 0.0

    def update(self, at_seconds: float, done_bytes: int) -> float:
        """Give the rate after a reading. A first reading, or a step back (the file starts again), gives no rate."""
        if self._at is None or done_bytes < self._bytes:
            self._at, self._bytes, self._rate = at_seconds, done_bytes, 0.0
            return 0.0
        elapsed = at_seconds - self._at
        if elapsed <= 0:
            return self._rate
        present = (done_bytes - self._bytes) / elapsed
        weight = 1.0 if self._rate == 0 else 1 - math.exp(-elapsed / RATE_WINDOW_SECONDS)
        self._rate += weight * (present - self._rate)
        self._at, self._bytes = at_seconds, done_bytes
        return self._rate


async def download(request: protocol.Request) -> AsyncGenerator[Downloading | Downloaded]:
    """Fetch the files of `request` into the Hugging Face cache. The last value is a Downloaded.

    Raises DownloadError in a person's words. Leaving the generator stops the child within STOP_SECONDS.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{__package__}.hub",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT_BYTES,
        env=_environment(),
        # So that the child runs the same code as its parent, also from a checkout that is not installed.
        cwd=paths.PACKAGE.parent,
        # Ctrl+C in the terminal is the parent's to answer.
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stderr is not None
    complaint = asyncio.create_task(_tail(child.stderr))
    try:
        child.stdin.write(request.model_dump_json().encode() + b"\n")
        async with aclosing(_follow(child)) as events:
            async for event in events:
                yield event
                if isinstance(event, Downloaded):
                    return
        raise DownloadError(
            "The download ended without a word.",
            f"Try again. The last it said: {(await complaint).strip() or 'nothing'}",
            retryable=True,
        )
    finally:
        await _stop(child)
        await complaint


async def _follow(child: asyncio.subprocess.Process) -> AsyncGenerator[Downloading | Downloaded]:
    resolved: protocol.Resolved | None = None
    total_bytes, rate = 0, Rate()
    assert child.stdout is not None
    async for text in child.stdout:
        try:
            said = protocol.line.validate_json(text)
        except ValidationError as error:
            raise DownloadError(f"The download said something strange: {text[:200]!r}", "Try again.") from error
        match said:
            case protocol.Resolved():
                resolved = said
                total_bytes = sum(file.size_bytes for file in said.files)
            case protocol.Failed():
                raise DownloadError(said.message, said.hint, retryable=said.retryable)
            case protocol.Fetched():
                assert resolved is not None
                found = tuple(Path(path) for path in said.paths)
                for path, file in zip(found, resolved.files, strict=True):
                    await asyncio.to_thread(ledger.remember, path, file.sha256)
                yield Downloaded(resolved.revision, resolved.files, found)
            case protocol.Advanced():
                speed = rate.update(time.monotonic(), said.done_bytes)
                yield Downloading(Progress(said.file, said.done_bytes, total_bytes, speed))
            case protocol.Waited():
                notice = "Another process is downloading the same file."
                yield Downloading(Progress(said.file, said.done_bytes, total_bytes), notice)
            case protocol.Checked():
                yield Downloading(Progress(said.file, said.done_bytes, total_bytes), "Checking what arrived.")


def _environment() -> dict[str, str]:
    """The person's environment, with what the child must not do on its own: no other transport (the plain one can be
    resumed and checked), no telemetry, no bars."""
    return {
        **os.environ,
        "HF_HOME": str(cache.hub_home_folder().absolute()),
        "HF_HUB_CACHE": str(cache.hub_cache_folder().absolute()),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    }


async def _tail(stream: asyncio.StreamReader) -> str:
    kept = b""
    while chunk := await stream.read(STDERR_TAIL_BYTES):
        kept = (kept + chunk)[-STDERR_TAIL_BYTES:]
    return kept.decode(errors="replace")


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
    # To its end, so that the pipes are closed while the loop still runs.
    if child.stdout is not None:
        await child.stdout.read()
