"""Creates a file, or replaces all that is in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from shammah_tui.tools.encoding import line_ending
from shammah_tui.tools.opening import resolve
from shammah_tui.tools.storing import Stored, load, store
from shammah_tui.tools.tool import Arguments, Context, Piece, Refused, Tool


class WriteArguments(Arguments):
    file_path: str
    content: str


class Write(Tool[WriteArguments]):
    name = "Write"
    description = "Create or overwrite a file."
    reads_only = False
    arguments = WriteArguments

    async def run(self, arguments: WriteArguments, context: Context) -> AsyncGenerator[Piece, None]:
        path, before, text = await asyncio.to_thread(planned, arguments, context)
        result, stamp = await asyncio.to_thread(store, path, before, text, context)
        context.seen.note(str(path), stamp)
        yield result


def planned(arguments: WriteArguments, context: Context) -> tuple[Path, Stored | None, str]:
    """The file, what it holds (None: new), and what it would hold; nothing is written. Raises Refused and OSError."""
    path = resolve(arguments.file_path, context)
    before = load(path, context.limits)
    if before and context.seen.get(str(path)) and not context.seen.is_current(str(path), before.digest):
        raise Refused(f"{path} has changed since it was read. Read it again before you overwrite it.")
    content = arguments.content
    if before and line_ending(before.text) == "\r\n":
        content = content.replace("\r\n", "\n").replace("\n", "\r\n")
    return path, before, content
