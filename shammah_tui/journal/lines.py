"""JSON, one object a line, appended to by several processes and killed at any moment.

- An append is one write under a lock, then synced: lines never interleave, and one that was told is there.
- A torn last line costs that line alone: the next append starts on a fresh line.
- Where the disk is full, the file is cut back to its whole lines, and the error is told.
- Text is escaped to ASCII, so that no character in it ends a line; reading splits at line feeds alone.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shammah_tui.errors import HomeError
from shammah_tui.files import private_folder

_NEWLINE = b"\n"


@dataclass(slots=True)
class Skipped:
    """How many lines of a file could not be read: torn, or of zeros after a loss of power."""

    lines: int = 0


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add one line, 0600, its folder made 0700. Blocks for the disk. Raises HomeError; the file then is as before."""
    line = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + _NEWLINE
    private_folder(path.parent)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise HomeError(
            f"{path} cannot be written: {error.strerror}.", "Check the free space and the folder's owner and mode."
        ) from error


def read(path: Path, skipped: Skipped | None = None) -> Iterator[dict[str, Any]]:
    """The records, the oldest first; no file has none. Raises HomeError where it cannot be read."""
    try:
        # Binary files are split at line feeds alone, text ones at U+2028 and others too.
        with path.open("rb") as file:
            for line in file:
                record = _record(line)
                if record is not None:
                    yield record
                elif skipped is not None and line.strip():
                    skipped.lines += 1
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeError(f"{path} cannot be read: {error.strerror}.", "Check its owner and mode.") from error


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != _NEWLINE
    data = (_NEWLINE if is_torn else b"") + line
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
