"""The standard Hugging Face cache, read by its documented layout: where it lies and what is in it already.

    <hub cache>/models--<owner>--<name>/snapshots/<commit>/<file>   a link into …/blobs/<sha256>
    <hub cache>/models--<owner>--<name>/refs/<branch>               the commit that a branch had when last fetched

Reading it here, and not through the library, keeps a start with a downloaded model free of its import (half a second)
and of the network. Writing is `fetch`'s matter.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def hub_cache_folder() -> Path:
    """The cache, by the library's own order: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return _expanded(given) if given else hub_home_folder() / "hub"


def hub_home_folder() -> Path:
    given = os.environ.get("HF_HOME")
    if given:
        return _expanded(given)
    return _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"


def is_offline() -> bool:
    """Whether the person's environment forbids the hub, by the variables that the library obeys."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in {"1", "ON", "YES", "TRUE"}


def repo_folder(repo: str) -> Path:
    return hub_cache_folder() / "--".join(("models", *repo.split("/")))


def find(repo: str, files: tuple[str, ...], revision: str = "") -> tuple[Path, ...] | None:
    """Paths of all `files` of one downloaded commit of `repo`, or None. `revision` (a commit) is taken if it is there
    whole; without it, the commit that "main" pointed to, then any other."""
    for snapshot in _snapshots(repo_folder(repo), revision):
        found = tuple(snapshot / file for file in files)
        if all(path.is_file() for path in found):
            return found
    return None


def commit_of(path: Path) -> str:
    """The commit that a path given by `find` belongs to."""
    parts = path.parts
    return parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1]


def expected_sha256(path: Path) -> str:
    """The sha256 that the cache promises for a file: the name of the blob it links to. Empty where the cache holds
    plain files (no links on that system) or the file was never under LFS."""
    name = path.resolve().name
    return name if len(name) == 64 and set(name) <= set("0123456789abcdef") else ""


def blob_bytes(repo: str, sha256: str, size_bytes: int) -> int:
    """How much of a file of this length is on the disk already, whole or as a download left it."""
    if not sha256:
        return 0
    blob = repo_folder(repo) / "blobs" / sha256
    for path in (blob, blob.with_name(f"{sha256}.incomplete")):
        with contextlib.suppress(OSError):
            return min(path.stat().st_size, size_bytes)
    return 0


def _snapshots(folder: Path, revision: str) -> Iterator[Path]:
    snapshots = folder / "snapshots"
    if revision:
        yield snapshots / revision
        return
    with contextlib.suppress(OSError, UnicodeDecodeError):
        yield snapshots / (folder / "refs" / "main").read_text("utf-8").strip()
    try:
        yield from sorted(entry for entry in snapshots.iterdir() if entry.is_dir())
    except OSError:
        return


def _expanded(value: str) -> Path:
    return Path(os.path.expandvars(value)).expanduser()
