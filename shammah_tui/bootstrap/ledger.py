"""What was pinned and what was verified, kept in the home's `models.json`.

Both save work and can be lost without harm: a lost pin is resolved anew, a lost check is made again. So a file that
cannot be read counts as empty, and a write that fails is not worth an error.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from shammah_tui import paths
from shammah_tui.errors import HomeError
from shammah_tui.files import private_folder, write_private

FILE = "models.json"


class Verified(BaseModel):
    """A file whose sha256 was computed, and how it looked then: any other size or time means another file."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_bytes: int
    modified_ns: int


class _Kept(BaseModel):
    # Keys of a later version stay when this one writes.
    model_config = ConfigDict(extra="allow")

    pinned: dict[str, str] = {}
    verified: dict[str, Verified] = {}


def pinned(repo: str) -> str:
    """The commit that `repo` was resolved to when it was first downloaded; empty if it never was."""
    return _read().pinned.get(repo, "")


def pin(repo: str, revision: str) -> None:
    kept = _read()
    kept.pinned.setdefault(repo, revision)
    _write(kept)


def is_verified(path: Path, sha256: str) -> bool:
    """Whether this very file was verified to have this sha256. An empty `sha256` takes whichever was found."""
    before = _read().verified.get(str(path.resolve()))
    return before is not None and before == _present(path, sha256 or before.sha256)


def remember(path: Path, sha256: str) -> None:
    """Note that `path` has this sha256."""
    kept = _read()
    kept.verified[str(path.resolve())] = _present(path, sha256)
    _write(kept)


def _present(path: Path, sha256: str) -> Verified:
    status = path.stat()
    return Verified(sha256=sha256, size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


def _read() -> _Kept:
    try:
        return _Kept.model_validate_json((paths.home() / FILE).read_bytes())
    except (OSError, ValidationError):
        return _Kept()


def _write(kept: _Kept) -> None:
    with contextlib.suppress(HomeError):
        write_private(private_folder(paths.home()) / FILE, kept.model_dump_json(indent=1).encode())
