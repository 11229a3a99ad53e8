"""Former versions of files that tools changed, so that a person can go back. By content: the same bytes once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.files import create_private, private_folder

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class FormerVersions:
    """A folder of files named by the SHA-256 of what they hold; the oldest go when they take more than `bytes_max`."""

    folder: Path
    bytes_max: int

    def keep(self, data: bytes) -> str:
        """Remember `data` and return its digest. Raises HomeError."""
        digest = digest_of(data)
        path = private_folder(self.folder) / digest
        if create_private(path, data):
            self._prune(newest=path)
        else:
            path.touch()
        return digest

    def load(self, digest: str) -> bytes | None:
        """What was kept under `digest`; None where it is gone or was damaged."""
        if not _DIGEST.match(digest):
            return None
        try:
            data = (self.folder / digest).read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == digest else None

    def _prune(self, newest: Path) -> None:
        found = [(path.stat().st_mtime_ns, path.stat().st_size, path) for path in self.folder.iterdir()]
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.bytes_max:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size
