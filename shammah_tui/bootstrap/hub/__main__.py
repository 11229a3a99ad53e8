"""The child's main: one request in, lines out, gone when nobody listens."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.hub import metadata, transfer
from shammah_tui.bootstrap.hub.protocol import Advanced, Checked, Failed, Fetched, Line, Request, Waited
from shammah_tui.bootstrap.hub.trouble import EXPECTED, explain
from shammah_tui.errors import DownloadError

# Left free on the disk, so that the system and the conversation's own files still find room.
DISK_RESERVE_BYTES = 256 * 1024**2
REPORT_SECONDS = 0.1


class Reporter:
    """Writes lines; those about bytes at most every REPORT_SECONDS."""

    def __init__(self) -> None:
        self._last = 0.0

    def say(self, said: Line) -> None:
        sys.stdout.write(said.model_dump_json() + "\n")
        sys.stdout.flush()

    def advance(self, file: str, done_bytes: int) -> None:
        now = time.monotonic()
        if now - self._last >= REPORT_SECONDS:
            self._last = now
            self.say(Advanced(file=file, done_bytes=done_bytes))


@dataclass(frozen=True, slots=True)
class Watcher:
    """Tells of one file; `before` are the bytes of the files that came first."""

    reporter: Reporter
    file: str
    before: int

    def advanced(self, done_bytes: int) -> None:
        self.reporter.advance(self.file, self.before + done_bytes)

    def waited(self, done_bytes: int) -> None:
        self.reporter.say(Waited(file=self.file, done_bytes=self.before + done_bytes))

    def checked(self, done_bytes: int) -> None:
        self.reporter.say(Checked(file=self.file, done_bytes=self.before + done_bytes))


def main() -> int:
    request = Request.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    reporter = Reporter()
    try:
        reporter.say(Fetched(paths=tuple(str(path) for path in _fetch(request, reporter))))
    except EXPECTED as error:
        said = explain(error, request.repo)
    except DownloadError as error:
        said = error
    else:
        return 0
    reporter.say(Failed(message=said.message, hint=said.hint, retryable=said.retryable))
    return 1


def _fetch(request: Request, reporter: Reporter) -> list[Path]:
    resolved = metadata.resolve(request)
    reporter.say(resolved)
    _require_space(request.repo, resolved.files)
    before, paths = 0, []
    for file in resolved.files:
        watch = Watcher(reporter, file.name, before)
        paths.append(transfer.store(request.repo, resolved.revision, file, watch, attempts=request.attempts))
        before += file.size_bytes
    return paths


def _require_space(repo: str, files: tuple[RemoteFile, ...]) -> None:
    missing = sum(file.size_bytes - transfer.present_bytes(repo, file) for file in files)
    cache = Path(constants.HF_HUB_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if missing and free < missing + DISK_RESERVE_BYTES:
        raise DownloadError(
            f"Not enough room: {missing / 1e9:.1f} GB are still to come and {free / 1e9:.1f} GB are free in {cache}.",
            "Make room, choose a smaller model (--model 1.5b), or set HF_HOME to a folder on a larger disk.",
            retryable=True,
        )


def _leave_with_parent() -> None:
    """End at once when the parent closes its end: it was stopped, or it died. What is on the disk is used later."""
    while os.read(sys.stdin.fileno(), 4096):
        continue
    os._exit(75)


if __name__ == "__main__":
    sys.exit(main())
