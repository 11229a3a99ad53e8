"""The question of `shammah query`: the arguments, and standard input where something is piped in."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import NamedTuple

from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.terminal import is_terminal, tell

SIZE_BYTES_MAX = 8 * 1024 * 1024
# How long a pipe may stay silent before the person is told what is waited for.
PATIENCE_SECONDS = 3.0


class Question(NamedTuple):
    text: str
    """Empty where there is none."""
    shown: str = ""
    """What the person wrote, where data was piped in beside it: that names no files."""


def read_question(text: str) -> Question:
    """`text` with what was piped in below it. Raises UsageError when it is too much."""
    text = text.strip()
    piped = _piped(told_anyway=bool(text)).strip()
    if not text or not piped:
        return Question(text or piped)
    lines = piped.count("\n") + 1
    return Question(f"{text}\n\n{piped}", f"{text}\n\n[Standard input: {lines} line{'s' if lines > 1 else ''}]")


def _piped(*, told_anyway: bool) -> str:
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if is_terminal(sys.stdin):
        if told_anyway:
            return ""
        tell("Write the question, then Ctrl+D on a line of its own.")
    elif told_anyway and not _may_have_input(sys.stdin.fileno()):
        return ""
    content = _read(sys.stdin.fileno())
    if len(content) > SIZE_BYTES_MAX:
        raise UsageError(
            f"Standard input is larger than {SIZE_BYTES_MAX // 1024**2} MB, more than any model can read.",
            "Send a part of it: `… | head -c 100000 | shammah query …`.",
        )
    return content.decode("utf-8", "replace")


def _may_have_input(descriptor: int) -> bool:
    """Not for /dev/null and other devices, which have nothing to say beside a question that was given."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read(descriptor: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    is_silent = not is_terminal(sys.stdin) and not select.select([descriptor], [], [], PATIENCE_SECONDS)[0]
    if is_silent and is_terminal(sys.stderr):
        tell("Waiting for standard input (Ctrl+C ends; `</dev/null` says that there is none) …")
    while size <= SIZE_BYTES_MAX and (chunk := os.read(descriptor, 65536)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)
