"""Reads a text file, or a part of it, with line numbers as `cat -n` writes them."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.tools.bounded import clipped
from shammah_tui.tools.encoding import detect, kind_of_binary
from shammah_tui.tools.former import digest_of
from shammah_tui.tools.opening import open_regular, resolve
from shammah_tui.tools.seen import Stamp
from shammah_tui.tools.tool import Arguments, Context, Limits, Piece, Refused, Result, Tool, many

_PIECE_BYTES = 1 << 18


class ReadArguments(Arguments):
    file_path: str
    offset: int = 0
    limit: int = 0


class Read(Tool[ReadArguments]):
    name = "Read"
    description = "Read a text file."
    reads_only = True
    arguments = ReadArguments

    async def run(self, arguments: ReadArguments, context: Context) -> AsyncGenerator[Piece, None]:
        path = resolve(arguments.file_path, context)
        # Negative numbers and 0 mean the beginning, and as much as is allowed.
        first = max(1, arguments.offset)
        count = min(arguments.limit if arguments.limit > 0 else context.limits.read_lines, context.limits.read_lines)
        part, stamp = await asyncio.to_thread(_read, path, first, count, context.limits)
        context.seen.note(str(path), stamp)
        yield _result(path, part, first)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some lines of a file. `is_last` where the file ends with them; `is_beyond` where the search was given up."""

    lines: tuple[str, ...]
    is_last: bool
    is_beyond: bool
    size_bytes: int


def _read(path: Path, first: int, count: int, limits: Limits) -> tuple[_Part, Stamp]:
    with open_regular(path) as descriptor:
        status = os.fstat(descriptor)
        head = os.pread(descriptor, _PIECE_BYTES, 0)
        if kind := kind_of_binary(head):
            raise Refused(f"{path} is {kind} ({status.st_size} bytes); Read is for text.")
        lines: list[str] = []
        room, is_last = limits.result_characters, True
        scan = _Scan(descriptor, limits)
        for number, line in enumerate(scan.lines(head), 1):
            if number < first:
                continue
            room -= min(len(line), limits.line_characters) + 8
            if len(lines) == count or (room < 0 and lines):
                is_last = False
                break
            lines.append(clipped(line, limits.line_characters))
        is_small = status.st_size <= limits.edit_bytes
        digest = digest_of(os.pread(descriptor, limits.edit_bytes + 1, 0)) if is_small else ""
        return _Part(tuple(lines), is_last and not scan.gave_up, scan.gave_up, status.st_size), Stamp.of(status, digest)


class _Scan:
    """The lines of a file without ever holding more than a piece of it, and no further than the limit."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._descriptor = descriptor
        self._limits = limits
        self.gave_up = False

    def lines(self, head: bytes) -> Iterator[str]:
        """Without their endings; of a line longer than is shown, little more than its beginning."""
        encoding = detect(head, is_whole=len(head) < _PIECE_BYTES)
        decoder = codecs.getincrementaldecoder(encoding.name)("replace")
        rest = ""
        for piece in self._pieces(len(encoding.mark)):
            parts = (rest + decoder.decode(piece, not piece)).split("\n")
            yield from (line.removesuffix("\r") for line in parts[:-1])
            rest = parts[-1][: self._limits.line_characters + 2]
        if rest:
            yield rest.removesuffix("\r")

    def _pieces(self, offset: int) -> Iterator[bytes]:
        """Ends with one empty piece, so that the decoder says what was cut off."""
        while offset < self._limits.read_scan_bytes:
            piece = os.pread(self._descriptor, _PIECE_BYTES, offset)
            yield piece
            if not piece:
                return
            offset += len(piece)
        self.gave_up = True
        yield b""


def _result(path: Path, part: _Part, first: int) -> Result:
    last = first + len(part.lines) - 1
    body = "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(part.lines, first))
    if not part.lines:
        if part.is_beyond:
            raise Refused(f"Line {first} of {path} lies too far into its {part.size_bytes} bytes; use Grep.")
        text = "[the file is empty]" if first == 1 else f"[the file ends before line {first}]"
        return Result(text, f"nothing from line {first} on")
    if not part.is_last:
        body += f"\n[cut after line {last} of a file of {part.size_bytes} bytes; go on with offset {last + 1}]"
    return Result(body, f"{many(len(part.lines), 'line')}, from {first} to {last}", truncated=not part.is_last)
