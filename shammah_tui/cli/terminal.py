"""What is said on standard error, and what the terminal can do. Standard output belongs to results."""

from __future__ import annotations

import os
import sys
from typing import TextIO

RED, YELLOW, GREEN, DIM, BOLD = "31", "33", "32", "2", "1"


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed
        return False


def has_colour(stream: TextIO | None) -> bool:
    """By https://no-color.org: any value of NO_COLOR but the empty one turns colours off."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def painted(text: str, colour: str, stream: TextIO | None) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if has_colour(stream) else text


def tell(text: str) -> None:
    """A line for the person, on standard error. One that cannot be written is lost: there is nobody to tell."""
    if sys.stderr is not None:
        try:
            print(text, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            return


def tell_error(message: str, hint: str = "") -> None:
    tell(f"{painted('shammah:', RED, sys.stderr)} {message}")
    if hint:
        tell("  " + hint.replace("\n", "\n  "))


def tell_warning(message: str) -> None:
    tell(f"{painted('shammah:', YELLOW, sys.stderr)} {message}")


class StatusLine:
    """One line on standard error that is written over; silent where that is no terminal that can do so."""

    def __init__(self) -> None:
        self._active = is_terminal(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"
        self._shown = ""

    def show(self, text: str) -> None:
        if self._active and text != self._shown:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            sys.stderr.write("\r\x1b[K" + painted(text[: width - 1], DIM, sys.stderr))
            sys.stderr.flush()
            self._shown = text

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""


def table(rows: list[tuple[str, ...]], stream: TextIO | None) -> str:
    """Rows in columns as wide as they need; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([painted(lines[0], BOLD, stream), *lines[1:]])
