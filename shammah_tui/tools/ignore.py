"""Walks a tree as git sees it: ignored files left out, ignored folders not entered, `.git` never.

Reads each folder's `.gitignore`, those of the folders above up to the repository's root, and `.git/info/exclude`; not
the person's global list. A repository inside another begins anew. Symlinks are not followed. The order is that of the
names, so that a search that stops early always stops at the same place. Source: gitignore(5).
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.pattern import Pattern

_IGNORE_FILE_BYTES = 1 << 20
# In pathspec's expressions: the slash after the name of a folder.
_FOLDER_GROUP = "ps_d"
# `a/**/` is about the folders below `a`; pathspec takes it for `a/`.
_FOLDERS_BELOW = re.compile(r"/\*\*/ *\Z")
# What only a pattern for every name matches.
_ANY_NAME = "\x01"


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one file, which speak of what lies under `prefix` (relative to nothing: an absolute path)."""

    prefix: str
    spec: GitIgnoreSpec


@dataclass(slots=True)
class Walk:
    """One walk; after it, `stopped` says why it did not see everything (empty: it did)."""

    root: str
    entries_max: int
    seconds_max: float
    stopped: str = ""

    def files(self) -> Iterator[str]:
        """The regular files under the root, as paths relative to it. Folders that cannot be read are passed over."""
        deadline = time.monotonic() + self.seconds_max
        in_repository = is_in_repository(self.root)
        seen = 0
        pending: list[tuple[str, tuple[_Rules, ...]] | str] = [("", _rules_above(self.root))]
        while pending:
            item = pending.pop()
            if isinstance(item, str):
                yield item
                continue
            folder, rules = item
            full = f"{self.root}/{folder}" if folder else self.root
            entries = _entries(full)
            seen += len(entries)
            if seen > self.entries_max or time.monotonic() > deadline:
                self.stopped = f"after {seen} entries" if seen > self.entries_max else f"after {self.seconds_max:g} s"
                return
            rules = _rules_of(full, {entry.name for entry in entries}, rules, in_repository)
            found = [self._take(entry, folder, rules) for entry in entries]
            pending += [item for item in reversed(found) if item is not None]

    def _take(
        self, entry: os.DirEntry[str], folder: str, rules: tuple[_Rules, ...]
    ) -> tuple[str, tuple[_Rules, ...]] | str | None:
        """What is to be done with an entry: a file to be told of, a folder to enter, or nothing."""
        path = f"{folder}/{entry.name}" if folder else entry.name
        with suppress(OSError):
            is_folder = entry.is_dir(follow_symlinks=False)
            if (not is_folder and not entry.is_file(follow_symlinks=False)) or entry.name == ".git":
                return None
            if _is_ignored(entry.path, is_folder, rules):
                return None
            return (path, rules) if is_folder else path
        return None


def is_in_repository(path: str) -> bool:
    """Whether `path` or a folder above it holds a `.git`. Outside, `.gitignore` files count all the same."""
    return any((folder / ".git").exists() for folder in (Path(path), *Path(path).parents))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError:
        return []


def _rules_above(root: str) -> tuple[_Rules, ...]:
    """What holds for `root` from the folders above it, the nearest last."""
    chain: list[_Rules] = []
    folder = Path(root)
    while not (folder / ".git").exists() and folder != folder.parent:
        folder = folder.parent
        own = _exclude(str(folder), root) + _read(str(folder / ".gitignore"), str(folder), root)
        chain = own + chain
    return tuple(chain)


def _rules_of(folder: str, names: set[str], inherited: tuple[_Rules, ...], in_repository: bool) -> tuple[_Rules, ...]:
    if ".git" in names:
        # Outside of any repository the files above speak on, as ripgrep has it.
        inherited = (*_exclude(folder), *(() if in_repository else inherited))
    if ".gitignore" in names:
        return (*inherited, *_read(f"{folder}/.gitignore", folder))
    return inherited


def _exclude(folder: str, root: str = "") -> list[_Rules]:
    return _read(f"{folder}/.git/info/exclude", folder, root)


def _read(path: str, prefix: str, root: str = "") -> list[_Rules]:
    """The patterns in `path`; none where it is missing, no regular file, or without any.

    With a `root` below, without those that are about it or a folder above it: whoever names an ignored folder wants it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        lines = file.read(_IGNORE_FILE_BYTES).decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    patterns = [
        _FOLDERS_BELOW.sub("/**/*/", line.removesuffix("\r"))
        for line in lines
        if line.strip() and not line.startswith("#")
    ]
    prefix = f"{prefix.rstrip('/')}/"
    spec = GitIgnoreSpec.from_lines(_usable(patterns, f"{root[len(prefix) :]}/" if root else ""))
    return [_Rules(prefix, spec)] if len(spec) else []


def _usable(patterns: list[str], root: str) -> Iterator[str]:
    """Those that can be understood (git passes over the others too), and are not about `root` alone."""
    for pattern in patterns:
        with suppress(ValueError):
            one = GitIgnoreSpec.from_lines([pattern])
            if not root or not one.match_file(root) or one.match_file(_ANY_NAME):
                yield pattern


def _is_ignored(path: str, is_folder: bool, rules: tuple[_Rules, ...]) -> bool:
    """The nearest file that speaks of the path decides, and in it the last line that does."""
    for rule in reversed(rules):
        name = path[len(rule.prefix) :] + ("/" if is_folder else "")
        for pattern in reversed(rule.spec.patterns):
            if pattern.include is not None and _speaks_of(pattern, name):
                return pattern.include
    return False


def _speaks_of(pattern: Pattern, path: str) -> bool:
    """Whether the pattern names `path` itself. One that names a folder above it matches as well, and has had its say
    when that folder was entered: `!a` does not bring back an ignored `a/b.py/`."""
    found = pattern.match_file(path)
    if found is None:
        return False
    if found.match.start() > 0:
        # pathspec searches for a slash where a pattern is about every folder (`*/`).
        return path.endswith("/")
    if _FOLDER_GROUP not in found.match.groupdict():
        # `a/**` is about what lies in the folder, and not about the folder.
        return not path.endswith("/") or bool(found.match.end() < len(path))
    return found.match[_FOLDER_GROUP] is None or bool(found.match.end(_FOLDER_GROUP) == len(path))
