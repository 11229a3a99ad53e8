"""Where a bare program name leads: a fixed search path of system folders, never the person's own PATH.

A project cannot put a program of its own before the system's that way. A program that is not installed resolves to
nothing; `decide` then goes by its name, and an executor, which uses the same search path, finds nothing to run.
"""

from __future__ import annotations

import os
from functools import cache

from shammah_tui.tools.permission.decision import Resolver

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


def resolver(folders: tuple[str, ...] = SEARCH_PATH) -> Resolver:
    """A resolver that remembers what it found; make a new one for each session."""

    @cache
    def resolve(name: str) -> str | None:
        for folder in folders:
            path = os.path.join(folder, name)  # noqa: PTH118  a string is what the caller compares
            if os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112
                return os.path.realpath(path)
        return None

    return resolve
