"""The files of the project by name, without what git ignores: for completing `@`."""

from __future__ import annotations

import time
from pathlib import Path

from shammah_tui.tools.ignore import Walk

FILES_MAX = 50_000
WALK_SECONDS = 2.0
# A file that was made a moment ago is found; typing does not walk the tree again for each letter.
FRESH_SECONDS = 5.0

_listed: dict[Path, tuple[float, tuple[str, ...]]] = {}


def listed(folder: Path) -> tuple[str, ...]:
    """Paths from `folder`; in a tree too large to walk in two seconds, those that were found by then. Blocks for the
    disk."""
    at, paths = _listed.get(folder, (-FRESH_SECONDS, ()))
    if time.monotonic() - at < FRESH_SECONDS:
        return paths
    found: list[str] = []
    for path in Walk(str(folder), FILES_MAX, WALK_SECONDS).files():
        if path.isprintable():
            found.append(path)
        if len(found) == FILES_MAX:
            break
    _listed[folder] = (time.monotonic(), tuple(found))
    return tuple(found)
