"""Searches with ripgrep, told to mean exactly what `line_search` means.

No configuration file, hidden files included, `.git` never, git's ignore rules and no others, symlinks not followed.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from shammah_tui.tools.finding import Found, Hit, Search
from shammah_tui.tools.ignore import is_in_repository
from shammah_tui.tools.permission.search_path import SEARCH_PATH
from shammah_tui.tools.tool import Limits, Refused

_PIECE_BYTES = 1 << 16
_COLUMNS_MAX = 4_096  # bytes: more than is shown of a line, whatever its characters
_ERROR_CHARACTERS = 500
_FAILED = 2
_LINE = re.compile(rb"([^\0]*)\0([0-9]+)([:-])(.*)", re.DOTALL)


@cache
def program() -> Path | None:
    """The ripgrep that came with us as a package, else the system's; None where there is none."""
    ours = Path(sysconfig.get_path("scripts")) / "rg"
    if ours.is_file():
        return ours
    found = shutil.which("rg", path=":".join(SEARCH_PATH))
    return Path(found) if found else None


async def search(wanted: Search, limits: Limits, rg: Path) -> Found:
    """Raises Refused for a pattern that ripgrep cannot read, OSError where it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        rg,
        *_options(wanted, limits),
        cwd=wanted.root.parent if wanted.is_file else wanted.root,
        env={},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    hits: list[Hit] = []
    stopped = ""
    try:
        async with asyncio.timeout(limits.walk_seconds):
            stopped = await _collect(process, wanted, hits)
            if not stopped:
                message = await _errors(process)
                if await process.wait() == _FAILED and not hits and message:
                    raise Refused(f"Grep: {message}")
    except TimeoutError:
        stopped = f"after {limits.walk_seconds:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Found(tuple(hits), stopped)


def _options(wanted: Search, limits: Limits) -> Iterator[str]:
    yield from ("--no-config", "--color=never", "--no-heading", "--with-filename", "--null", "--no-messages", "--crlf")
    yield from ("--hidden", "--no-ignore-dot", "--no-ignore-global", "--sort=path")
    if not is_in_repository(str(wanted.root)):
        yield "--no-require-git"
    yield from (f"--max-filesize={limits.grep_file_bytes}", f"--max-columns={_COLUMNS_MAX}", "--max-columns-preview")
    # Not --glob: what that names is searched although git ignores it. A type only narrows; `_collect` does the rest.
    if wanted.paths and (name := wanted.paths.name_pattern(wanted.glob)):
        yield from (f"--type-add=wanted:{name}", "--type=wanted")
    yield "--glob=!.git"
    if wanted.mode == "files":
        yield "--files-with-matches"
    elif wanted.mode == "count":
        yield "--count"
    else:
        yield from ("--line-number", f"--context={wanted.context_lines}")
    yield from (f"--regexp={wanted.pattern}", "--", wanted.root.name if wanted.is_file else "./")


async def _collect(process: asyncio.subprocess.Process, wanted: Search, hits: list[Hit]) -> str:
    """Fill `hits` up to the bound; why it stopped before the end, or nothing."""
    assert process.stdout is not None
    end = b"\0" if wanted.mode == "files" else b"\n"
    read = _READERS[wanted.mode]
    rest = b""
    while piece := await process.stdout.read(_PIECE_BYTES):
        *records, rest = (rest + piece).split(end)
        for record in records:
            hit = read(record)
            if hit is None or not wanted.covers(hit.path):
                continue
            if len(hits) == wanted.hits_max:
                return f"after {len(hits)} lines" if wanted.mode == "content" else f"after {len(hits)} files"
            hits.append(hit)
    return ""


async def _errors(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    text = (await process.stderr.read(_PIECE_BYTES)).decode("utf-8", "replace")
    return text.strip().removeprefix("rg: ")[:_ERROR_CHARACTERS]


def _path(data: bytes) -> str:
    return data.removeprefix(b"./").decode("utf-8", "replace")


def _content(record: bytes) -> Hit | None:
    """None for what is no line of a file: the sign between groups, a note on a binary file."""
    found = _LINE.match(record)
    if found is None:
        return None
    line = found[4].decode("utf-8", "replace").removesuffix("\r")
    return Hit(_path(found[1]), int(found[2]), line.removeprefix("\ufeff"), found[3] == b":")


def _file(record: bytes) -> Hit | None:
    return Hit(_path(record)) if record else None


def _count(record: bytes) -> Hit | None:
    path, sign, number = record.removesuffix(b"\r").partition(b"\0")
    return Hit(_path(path), int(number)) if sign and number.isdigit() else None


_READERS: dict[str, Callable[[bytes], Hit | None]] = {"content": _content, "files": _file, "count": _count}
