"""What this session has read of each file, so that a change by somebody else is noticed before it is overwritten."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was: cheap to compare by size and time; `digest` (SHA-256) decides where those differ.

    `digest` is empty for a file that is too large to be edited.
    """

    size_bytes: int
    modified_ns: int
    digest: str

    @classmethod
    def of(cls, status: os.stat_result, digest: str) -> Stamp:
        return cls(status.st_size, status.st_mtime_ns, digest)


class SeenFiles:
    """One for a session, keyed by real path. Noted on the event loop alone, read from any thread."""

    def __init__(self) -> None:
        self._stamps: dict[str, Stamp] = {}

    def note(self, path: str, stamp: Stamp) -> None:
        self._stamps[path] = stamp

    def get(self, path: str) -> Stamp | None:
        return self._stamps.get(path)

    def is_current(self, path: str, digest: str) -> bool:
        """Whether the file still holds what was read; False also where it was never read."""
        stamp = self._stamps.get(path)
        return stamp is not None and stamp.digest == digest
