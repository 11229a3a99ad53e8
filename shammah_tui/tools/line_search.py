"""Searches without ripgrep, with the same results: the same files, the same lines, the same order.

Python's expressions stand in for Rust's. What only one of the two understands (look-around, back references, classes
such as `[[:alpha:]]`) is refused rather than read differently. One difference is known: around a carriage return
that no line feed follows, ripgrep sees an end of a line.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from shammah_tui.tools.encoding import detect
from shammah_tui.tools.finding import Found, Hit, Search
from shammah_tui.tools.ignore import Walk
from shammah_tui.tools.opening import open_regular
from shammah_tui.tools.tool import Limits, Refused

# Look-around, back references, atomic groups, possessive repeats; line ends, which one line does not hold.
_PYTHON_ONLY = re.compile(r"\(\?(?:<?[=!]|>|P=|\(|#)|(?<!\\)(?:\\\\)*\\[1-9]|[*+?}]\+|(?<!\\)(?:\\\\)*\\n|\n")
# `\A` and `\Z` differ between a file and a line: such patterns are not tried on the whole file first.
_WHOLE = re.compile(r"\\[AZz]")


def search(wanted: Search, limits: Limits) -> Found:
    """Raises Refused for a pattern that cannot be read."""
    expression = _compile(wanted.pattern)
    is_quick = not _WHOLE.search(wanted.pattern)
    walk = Walk(str(wanted.root), limits.walk_entries, limits.walk_seconds)
    hits: list[Hit] = []
    for path, full in _files(wanted, walk):
        text = _text(full, limits)
        if text is None or (is_quick and expression.search(text) is None):
            continue
        for hit in _hits(path, text, expression, wanted):
            if len(hits) == wanted.hits_max:
                kind = "lines" if wanted.mode == "content" else "files"
                return Found(tuple(hits), f"after {len(hits)} {kind}")
            hits.append(hit)
    return Found(tuple(hits), walk.stopped)


def _compile(pattern: str) -> re.Pattern[str]:
    if _PYTHON_ONLY.search(pattern):
        raise Refused("Grep: look-around, back references and line ends are not understood in a pattern.")
    translated = pattern.replace(r"\z", r"\Z").replace("(?<", "(?P<")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            return re.compile(translated, re.MULTILINE)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise Refused(f"Grep: the pattern cannot be read: {error}.") from error


def _files(wanted: Search, walk: Walk) -> Iterator[tuple[str, Path]]:
    if wanted.is_file:
        yield wanted.root.name, wanted.root
        return
    for path in walk.files():
        if wanted.covers(path):
            yield path.encode("utf-8", "replace").decode(), wanted.root / path


def _text(path: Path, limits: Limits) -> str | None:
    """None for what is no text, too large, or cannot be read, as ripgrep passes over it."""
    with suppress(OSError, Refused), open_regular(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        if os.fstat(descriptor).st_size > limits.grep_file_bytes:
            return None
        data = file.read(limits.grep_file_bytes)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = detect(data, is_whole=True)
            return data[len(encoding.mark) :].decode(encoding.name, "replace")
        if b"\0" in data:
            return None
        return data.decode("utf-8", "replace").removeprefix("\ufeff")
    return None


def _hits(path: str, text: str, expression: re.Pattern[str], wanted: Search) -> Iterator[Hit]:
    lines = text.removesuffix("\n").split("\n") if text else []
    lines = [line.removesuffix("\r") for line in lines]
    matching = [number for number, line in enumerate(lines) if expression.search(line)]
    if not matching:
        return
    if wanted.mode != "content":
        yield Hit(path, len(matching) if wanted.mode == "count" else 0)
        return
    chosen = set(matching)
    around = wanted.context_lines
    last = -1
    for number in matching:
        for near in range(max(last + 1, number - around), min(len(lines), number + around + 1)):
            yield Hit(path, near + 1, lines[near], near in chosen)
            last = near
