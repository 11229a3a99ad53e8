"""Searches file contents by regular expression: with ripgrep where it is, else by ourselves with the same results."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from itertools import pairwise

from shammah_tui.tools import line_search, ripgrep
from shammah_tui.tools.bounded import clipped
from shammah_tui.tools.finding import Found, Hit, OutputMode, Search
from shammah_tui.tools.opening import open_folder, open_regular, resolve
from shammah_tui.tools.path_pattern import BadPattern, PathPattern
from shammah_tui.tools.tool import Arguments, Context, Limits, Piece, Refused, Result, Tool, many

_CONTEXT_LINES_MAX = 50


class GrepArguments(Arguments):
    pattern: str
    path: str = "."
    glob: str = ""
    context_lines: int = 0
    output_mode: OutputMode = "content"


class Grep(Tool[GrepArguments]):
    name = "Grep"
    description = "Search file contents by regular expression."
    reads_only = True
    arguments = GrepArguments

    async def run(self, arguments: GrepArguments, context: Context) -> AsyncGenerator[Piece, None]:
        wanted = _search(arguments, context)
        rg = ripgrep.program()
        if rg is not None:
            found = await ripgrep.search(wanted, context.limits, rg)
        else:
            found = await asyncio.to_thread(line_search.search, wanted, context.limits)
        yield _result(found, wanted, context.limits)


def _search(arguments: GrepArguments, context: Context) -> Search:
    """Raises Refused for what cannot be searched, OSError."""
    root = resolve(arguments.path or ".", context)
    if not arguments.pattern or "\0" in arguments.pattern or "\n" in arguments.pattern:
        raise Refused("Grep: the pattern is empty, or holds a NUL or a line end; it is matched line by line.")
    try:
        paths = PathPattern.parse(arguments.glob) if arguments.glob else None
    except BadPattern as error:
        raise Refused(f"Grep: {error}.") from error
    is_file = not stat.S_ISDIR(os.stat(root).st_mode)  # noqa: PTH116
    if is_file:
        with open_regular(root) as descriptor:
            size = os.fstat(descriptor).st_size
        if size > context.limits.grep_file_bytes:
            raise Refused(f"{root} has {size} bytes; over {context.limits.grep_file_bytes}, search it through Bash.")
    else:
        with open_folder(root):
            pass  # no link was put in its way
    around = max(0, min(arguments.context_lines, _CONTEXT_LINES_MAX))
    mode = arguments.output_mode
    bound = context.limits.grep_lines if mode == "content" else context.limits.glob_paths
    return Search(arguments.pattern, root, is_file, arguments.glob, paths, around, mode, bound)


def _result(found: Found, wanted: Search, limits: Limits) -> Result:
    lines: list[str] = []
    room, stopped = limits.result_characters, found.stopped
    for line in _lines(found, wanted, limits):
        room -= len(line) + 1
        if room < 0:
            stopped = f"after {len(lines)} lines"
            break
        lines.append(line)
    matches = sum(hit.number if wanted.mode == "count" else 1 for hit in found.hits if hit.is_match)
    files = len({hit.path for hit in found.hits})
    summary = many(files, "file") if wanted.mode == "files" else f"{many(matches, 'line')} in {many(files, 'file')}"
    if stopped:
        lines.append(f"[stopped {stopped}; narrow the pattern, the path or the glob to see the rest]")
        summary += ", cut"
    return Result("\n".join(lines) or "[no match]", summary, truncated=bool(stopped))


def _lines(found: Found, wanted: Search, limits: Limits) -> list[str]:
    if wanted.mode == "files":
        return [hit.path for hit in found.hits]
    if wanted.mode == "count":
        return [f"{hit.path}:{hit.number}" for hit in found.hits]
    lines = [_line(hit, limits) for hit in found.hits[:1]]
    for before, hit in pairwise(found.hits):
        if wanted.context_lines and (hit.path, hit.number) != (before.path, before.number + 1):
            lines.append("--")
        lines.append(_line(hit, limits))
    return lines


def _line(hit: Hit, limits: Limits) -> str:
    sign = ":" if hit.is_match else "-"
    return f"{hit.path}{sign}{hit.number}{sign}{clipped(hit.line, limits.grep_line_characters)}"
