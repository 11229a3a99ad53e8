"""Replaces a piece of text in a file that was read before."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import AsyncGenerator
from pathlib import Path

from shammah_tui.tools.bounded import clipped
from shammah_tui.tools.encoding import line_ending
from shammah_tui.tools.opening import resolve
from shammah_tui.tools.storing import Stored, load, store
from shammah_tui.tools.tool import Arguments, Context, Piece, Refused, Tool

_COMPARED_LINES = 20_000
_COMPARED_CHARACTERS = 200
_ALIKE = 0.5
_SHOWN_NUMBERS = 10


class EditArguments(Arguments):
    file_path: str
    old_string: str
    new_string: str
    replace_all: bool = False


class Edit(Tool[EditArguments]):
    name = "Edit"
    description = "Replace text in a file."
    reads_only = False
    arguments = EditArguments

    async def run(self, arguments: EditArguments, context: Context) -> AsyncGenerator[Piece, None]:
        path, before, text = await asyncio.to_thread(planned, arguments, context)
        result, stamp = await asyncio.to_thread(store, path, before, text, context)
        context.seen.note(str(path), stamp)
        yield result


def planned(arguments: EditArguments, context: Context) -> tuple[Path, Stored, str]:
    """The file, what it holds, and what it would hold; nothing is written. Raises Refused and OSError."""
    path = resolve(arguments.file_path, context)
    if not arguments.old_string:
        raise Refused("old_string is empty. To make a file, or to replace all of one, use Write.")
    before = load(path, context.limits)
    if before is None:
        raise Refused(f"There is no file {path}. To make one, use Write.")
    _refuse_unseen(path, before, context)
    return path, before, replaced(before.text, arguments)


def _refuse_unseen(path: Path, before: Stored, context: Context) -> None:
    if context.seen.get(str(path)) is None:
        raise Refused(f"{path} was not read yet. Read it first, then edit it.")
    if not context.seen.is_current(str(path), before.digest):
        raise Refused(f"{path} has changed since it was read. Read it again before you edit it.")


def replaced(text: str, arguments: EditArguments) -> str:
    r"""`text` with the replacement; a line end of the model (\n) meets whichever the file has there.

    What is put in takes the endings of what it replaces. Raises Refused: no match, several, or no change.
    """
    old, new = (part.replace("\r\n", "\n") for part in (arguments.old_string, arguments.new_string))
    pattern = re.compile("\r?\n".join(map(re.escape, old.split("\n"))))
    matches = list(pattern.finditer(text))
    if not matches:
        raise Refused(_not_found(text, old))
    if len(matches) > 1 and not arguments.replace_all:
        numbers = [str(text.count("\n", 0, match.start()) + 1) for match in matches[:_SHOWN_NUMBERS]]
        more = " …" if len(matches) > len(numbers) else ""
        raise Refused(
            f"old_string is there {len(matches)} times (lines {', '.join(numbers)}{more}). Give more of what is around "
            "the one you mean, or set replace_all."
        )
    usual = line_ending(text)

    def put(match: re.Match[str]) -> str:
        return new.replace("\n", line_ending(match[0]) if "\n" in match[0] else usual)

    changed = pattern.sub(put, text)
    if changed == text:
        raise Refused("old_string and new_string are the same; nothing was changed.")
    return changed


def _not_found(text: str, old: str) -> str:
    """Says so, and which line comes nearest to the longest line of `old`."""
    wanted = max(old.split("\n"), key=lambda line: len(line.strip())).strip()
    lines = text.split("\n")[:_COMPARED_LINES]
    best, found = _ALIKE, -1
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(wanted[:_COMPARED_CHARACTERS])
    for number, line in enumerate(lines):
        if wanted and wanted in line:
            best, found = 1.0, number
            break
        matcher.set_seq1(line.strip()[:_COMPARED_CHARACTERS])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, number
    if found < 0:
        return "old_string is not in the file (0 matches), and no line is like it. Read the file again."
    nearest = clipped(lines[found].removesuffix("\r"), _COMPARED_CHARACTERS)
    advice = "blanks or the lines around it differ" if best == 1.0 else "compare it character by character"
    return f"old_string is not in the file (0 matches). The nearest is line {found + 1}: {nearest!r}; {advice}."
