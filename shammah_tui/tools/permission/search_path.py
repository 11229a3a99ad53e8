"""Where a bare program name leads: a search path that is fixed for a session.

It is the person's own, less what anybody could write to, and then the system's folders: a cargo or a node of theirs is
found. A name that leads into the project (an activated virtual environment) is a program of the project, and what runs
no such program runs with a path without the project's folders. A program that is not installed resolves to nothing;
`decide` then goes by its name, and an executor, which uses the same search path, finds nothing to run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from functools import cache

from shammah_tui.tools.permission.decision import Resolver
from shammah_tui.tools.permission.place import is_within

SEARCH_PATH = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/opt/homebrew/sbin",
    "/opt/homebrew/bin",
)


def search_path_of(path: str) -> tuple[str, ...]:
    """The folders of `path`, a PATH, that can be relied on, and the system's after them."""
    return tuple(dict.fromkeys([*filter(_is_reliable, path.split(":")), *SEARCH_PATH]))


def outside(folders: Iterable[str], project: str) -> tuple[str, ...]:
    """Those that do not lie in `project`, a real path."""
    return tuple(folder for folder in folders if not is_within(os.path.realpath(folder), project))


def _is_reliable(folder: str) -> bool:
    """Whether it is a folder that not everybody can put a program into; a relative one is another one each time."""
    try:
        mode = os.stat(folder).st_mode  # noqa: PTH116  a string is what a PATH holds
    except (OSError, ValueError):
        return False
    return folder.startswith("/") and stat.S_ISDIR(mode) and not mode & stat.S_IWOTH


def resolver(folders: tuple[str, ...] = SEARCH_PATH, project: str = "") -> Resolver:
    """A resolver that remembers what it found; make a new one for each session.

    What lies in `project`, a real path, stays there, also where it is a link that leads out of it.
    """

    @cache
    def resolve(name: str) -> str | None:
        for folder in folders:
            path = os.path.join(folder, name)  # noqa: PTH118  a string is what the caller compares
            if os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112
                is_inside = project and is_within(os.path.realpath(folder), project)
                return os.path.join(os.path.realpath(folder), name) if is_inside else os.path.realpath(path)  # noqa: PTH118
        return None

    return resolve
