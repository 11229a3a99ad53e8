"""Decides what could complete the word at the cursor. Pure but for the list of files, which it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from heapq import nsmallest

from textual.fuzzy import FuzzySearch

from shammah_tui.ui import commands
from shammah_tui.ui.widgets.completion import ROWS_MAX, Suggestion

# Weighing a path well takes so long that of a large project only the likeliest are.
WEIGHED_MAX = 500
_COMMAND = re.compile(r"/([a-z-]*)\Z", re.IGNORECASE)
# Also the word after a word of the command itself: "/adapter project NAME".
_ARGUMENT = re.compile(r"/([a-z-]+) (?:project )?(\S*)\Z", re.IGNORECASE)
_FILE = re.compile(r"(?:^|(?<=\s)|(?<=[(\[,;]))@(\"?)([^\s\"@]*)\Z")


def suggestions(before: str, files: Sequence[str], arguments: Sequence[str] = ()) -> list[Suggestion]:
    """For `before`, the text up to the cursor: commands at its very beginning, one of `arguments` after a command, else
    files after an `@`."""
    if arguments and (found := _ARGUMENT.match(before)):
        typed = found[2]
        fitting = [name for name in arguments if name.startswith(typed) and name != typed]
        return [Suggestion(name, found.start(2), name) for name in fitting[:ROWS_MAX]]
    if found := _COMMAND.match(before):
        return _commands(found[1].lower())
    if found := _FILE.search(before):
        return _files(found[2], found.start(), files)
    return []


def command_before(before: str) -> str:
    """The command whose argument is being typed; empty where none is."""
    found = _ARGUMENT.match(before)
    named = commands.parse(f"/{found[1]}") if found else None
    return named.command.name if isinstance(named, commands.Invocation) and named.command.argument else ""


def wants_files(before: str) -> bool:
    return _FILE.search(before) is not None


def _commands(typed: str) -> list[Suggestion]:
    named = commands.begun_with(typed)
    if any(typed in command.names for command in named) and len(named) == 1:
        return []
    return [
        Suggestion(f"/{command.name}{' ' if command.argument else ''}", 0, command.usage, command.help)
        for command in named
    ]


def _files(typed: str, start: int, files: Sequence[str]) -> list[Suggestion]:
    if typed in files:
        return []
    if not typed:
        found = sorted(files, key=lambda path: (path.count("/"), path))[:ROWS_MAX]
    else:
        letters = typed.lower()
        fitting = ((letters not in path.lower(), len(path), path) for path in files if _has(path.lower(), letters))
        search = FuzzySearch(case_sensitive=False)
        scored = ((search.match(typed, path)[0], path) for _, _, path in nsmallest(WEIGHED_MAX, fitting))
        found = [path for score, path in sorted(scored, key=lambda pair: (-pair[0], len(pair[1]))) if score > 0]
    return [Suggestion(f'@"{path}" ' if " " in path else f"@{path} ", start, path) for path in found[:ROWS_MAX]]


def _has(path: str, letters: str) -> bool:
    """Whether the letters are there in their order."""
    at = -1
    return all((at := path.find(letter, at + 1)) >= 0 for letter in letters)
