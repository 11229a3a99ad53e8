"""Searches of whole folders (`grep -r`, `rg`): which credential files they would read there, as their filters stand.

The filters are taken at their widest: what a program may read, by any of its rules of precedence, counts as read.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from shammah_tui.tools.permission.decision import Finding, Verdict
from shammah_tui.tools.permission.place import Place, is_credential
from shammah_tui.tools.permission.profiles.shape import Use

_ENTRIES_MAX = 20_000
# In these every program and Python agree on what a pattern matches.
_PLAIN = re.compile(r"[^/\\\[\]{}]+\Z")
_CLASS = re.compile(r"\[[!^]?[^\]\[\\!^][^\]\[\\]*\]")
_GROUP = re.compile(r"\{([^{}]*)\}")
_CHOICES_MAX = 64
# What ripgrep's types take; one that is not here may take anything.
_TYPES = {
    "c": "*.{c,h,in,cats}",
    "cpp": "*.{c,h,cc,cpp,cxx,hh,hpp,hxx,inl,in}",
    "cs": "*.cs",
    "csharp": "*.cs",
    "css": "*.{css,scss}",
    "go": "*.go",
    "html": "*.{htm,html,ejs}",
    "java": "*.{java,jsp,jspx,properties}",
    "js": "*.{js,jsx,vue,cjs,mjs}",
    "json": "*.{json,lock}",
    "kotlin": "*.{kt,kts}",
    "lua": "*.lua",
    "markdown": "*.{markdown,md,mdown,mdwn,mdx,mkd,mkdn}",
    "md": "*.{markdown,md,mdown,mdwn,mdx,mkd,mkdn}",
    "py": "*.{py,pyi}",
    "python": "*.{py,pyi}",
    "ruby": "*{.rb,.gemspec,.rbw,.ru,Gemfile,.irbrc,Rakefile}",
    "rust": "*.rs",
    "sql": "*.{sql,psql}",
    "swift": "*.swift",
    "toml": "*.{toml,lock}",
    "ts": "*.{ts,tsx,cts,mts}",
    "typescript": "*.{ts,tsx,cts,mts}",
    "yaml": "*.{yaml,yml}",
}


def trouble_below(folders: Iterable[str], use: Use, here: Iterable[str]) -> Finding | None:
    """Why a search of all that is below `folders` (real paths) asks; it runs in one of `here`."""
    for flag, word in use.values:
        pattern = f"{flag}={word.text}"
        if word.is_glob and any(glob.glob(pattern, root_dir=folder) for folder in here):  # noqa: PTH207  paths are strings here
            return Finding(Verdict.ASK, f"`{pattern}` matches a file, which would stand in its place")
    filters = _Filters(use)
    try:
        found = _first_credential(dict.fromkeys(folders), filters)
    except OSError as error:
        return Finding(Verdict.ASK, f"what it would read cannot be looked at: {error.strerror}")
    if found is None:
        return None if filters.is_narrow else Finding(Verdict.ASK, "it would read more files than can be looked at")
    if not found:
        return None
    folder, _, name = (_shown(part) for part in found.rpartition("/"))
    way_out = f"-g '!{name}'" if use.skips_hidden else f"--exclude='{name}'"
    return Finding(Verdict.ASK, f"it would read `{name}` of `{folder}` as well; {way_out} leaves it out")


def _first_credential(folders: Iterable[str], filters: _Filters) -> str | None:
    """The path of a credential file below `folders` that is read; "" where there is none, None where there is too much
    to look at. Raises OSError for a folder that may be read and cannot be listed."""
    pending = list(folders)
    seen = 0
    while pending:
        folder = pending.pop()
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > _ENTRIES_MAX:
                    return None
                path = f"{folder}/{entry.name}"
                if entry.is_symlink():
                    continue  # neither program follows one that it meets
                if entry.is_dir(follow_symlinks=False):
                    if filters.enters(entry.name):
                        pending.append(path)
                elif filters.reads(entry.name) and is_credential(Place(path, path)):
                    return path
    return ""


class _Filters:
    """What the flags of a search take and leave out, by the names of files and folders."""

    def __init__(self, use: Use) -> None:
        self.skips_hidden = use.skips_hidden
        self.taken: list[str] = []
        self.left: list[str] = []
        self.left_folders: list[str] = []
        # grep reads what no pattern names unless `--include` is the first of its filters.
        self.takes_rest = True
        is_first = True
        for flag, word in use.values:
            text = word.text
            if flag == "--include":
                self._take(text)
                self.takes_rest &= not is_first
            elif flag == "--exclude":
                self._leave(text, self.left)
            elif flag == "--exclude-dir":
                self._leave(text.rstrip("/"), self.left_folders)
            elif flag in ("-g", "--glob", "--iglob"):
                self._take_glob(text.rstrip(), flag)
            elif flag in ("-t", "--type"):
                self._take(_TYPES.get(text, "*"))
                self.takes_rest = False
            is_first &= flag not in ("--include", "--exclude", "--exclude-from")
        self.is_narrow = not self.takes_rest and all(pattern.strip("*?.") for pattern in self.taken)

    def reads(self, name: str) -> bool:
        if self._is_taken(name):
            return True
        is_passed = self.skips_hidden and name.startswith(".")
        return self.takes_rest and not is_passed and not _matches(name, self.left)

    def enters(self, name: str) -> bool:
        if self._is_taken(name):
            return True
        is_passed = self.skips_hidden and name.startswith(".")
        return not is_passed and not _matches(name, self.left_folders)

    def _is_taken(self, name: str) -> bool:
        return bool(self.taken) and _matches(name.lower(), self.taken)

    def _take(self, pattern: str) -> None:
        self.taken += [_widest(choice) for choice in _choices(pattern)]

    def _leave(self, pattern: str, where: list[str]) -> None:
        if _PLAIN.match(pattern):
            where.append(pattern)

    def _take_glob(self, pattern: str, flag: str) -> None:
        if pattern.startswith("!"):
            if flag != "--iglob":
                self._leave(pattern[1:], self.left)
                self._leave(pattern[1:].removesuffix("/"), self.left_folders)
        elif pattern and not pattern.startswith("#"):  # ripgrep passes over such a line as over those of .gitignore
            self._take(pattern)
            self.takes_rest = False


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _choices(pattern: str) -> list[str]:
    """`*.{ts,tsx}` spelled out; with too many of them, a pattern for everything."""
    pending, spelled = [pattern], []
    while pending:
        text = pending.pop()
        found = _GROUP.search(text)
        if found is None:
            spelled.append(text)
        else:
            pending += [text[: found.start()] + choice + text[found.end() :] for choice in found[1].split(",")]
        if len(pending) + len(spelled) > _CHOICES_MAX:
            return ["*"]
    return spelled


def _widest(pattern: str) -> str:
    """A pattern for at least the names that `pattern` matches, in lower case."""
    text = _CLASS.sub("?", pattern.rstrip("/").lower())
    return "*" if re.search(r"[\\\[{}]", text) else text.rpartition("/")[2].rstrip()


def _shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
