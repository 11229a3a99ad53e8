"""Lists the files whose path matches a pattern, without those that git ignores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from shammah_tui.tools.ignore import Walk
from shammah_tui.tools.opening import open_folder, resolve
from shammah_tui.tools.path_pattern import BadPattern, PathPattern
from shammah_tui.tools.tool import Arguments, Context, Limits, Piece, Refused, Result, Tool


class GlobArguments(Arguments):
    pattern: str
    path: str = "."


class Glob(Tool[GlobArguments]):
    name = "Glob"
    description = "List files whose path matches a pattern."
    reads_only = True
    arguments = GlobArguments

    async def run(self, arguments: GlobArguments, context: Context) -> AsyncGenerator[Piece, None]:
        folder, below = _rooted(arguments)
        root = resolve(folder, context)
        try:
            pattern = PathPattern.parse(below)
        except BadPattern as error:
            raise Refused(f"Glob: {error}.") from error
        with open_folder(root):
            pass  # a folder, and one that may be entered: the error says otherwise
        yield await asyncio.to_thread(_list, str(root), pattern, context.limits)


def _rooted(arguments: GlobArguments) -> tuple[str, str]:
    """The folder to search and the pattern from there: one that begins at `/` or `~` brings its folder."""
    pattern = arguments.pattern.removeprefix("./")
    if not pattern.startswith(("/", "~")):
        return arguments.path or ".", pattern
    head = re.split(r"[*?\[{]", pattern, maxsplit=1)[0]
    folder = head[: head.rfind("/") + 1] or "/"
    return folder, pattern.removeprefix(folder)


def _list(root: str, pattern: PathPattern, limits: Limits) -> Result:
    walk = Walk(root, limits.walk_entries, limits.walk_seconds)
    found: list[str] = []
    room, is_cut = limits.result_characters, False
    for path in walk.files():
        if not pattern.matches(path):
            continue
        room -= len(path) + 1
        if len(found) == limits.glob_paths or room < 0:
            is_cut = True
            break
        found.append(path)
    lines = [path.encode("utf-8", "replace").decode() for path in found]
    if is_cut:
        lines.append(f"[cut after {len(found)} paths; narrow the pattern, or give a path to search under]")
    if walk.stopped:
        lines.append(f"[the search stopped {walk.stopped}; give a path to search under]")
    summary = f"{len(found)}{'+' if is_cut or walk.stopped else ''} files"
    return Result("\n".join(lines) or "[no file matches]", summary, truncated=is_cut or bool(walk.stopped))
