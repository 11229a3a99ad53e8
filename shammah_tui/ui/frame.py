"""The first frame as lines of text with colours, for a screen of any size that is not very small.

Laid out as `chat.tcss` lays out the empty conversation; `tests/ui/test_opening.py` holds the two together.
"""

from __future__ import annotations

from shammah_tui.ui import opening
from shammah_tui.ui.opening import Piece

# Outside the text: margin, border and padding on both sides, and the mark with its blank.
PROMPT_MARGIN = 8
CURSOR_CELLS = 1
PROMPT_ROWS_MAX = 8
WELCOME_WIDTH_MAX = 72


class Frame:
    """`codes`: the escape sequence of each colour, as `colour.sequences` makes them."""

    def __init__(self, codes: dict[str, str]) -> None:
        self._codes = codes
        self._welcome: dict[tuple[int, int], list[str]] = {}

    def lines(self, columns: int, rows: int, text: str, cursor: int, hint: str) -> list[str] | None:
        """One string for each row of the screen; None where the text needs more room than the prompt has."""
        prompt = self._prompt(columns, text, cursor)
        if len(prompt) > PROMPT_ROWS_MAX:
            return None
        edge = "─" * (columns - 4)
        left = f"{opening.STARTING_SIGN} ", opening.STARTING
        gap = " " * (columns - 4 - len("".join(left)) - len(opening.MODE))
        status = [(left[0], "quiet"), (left[1] + gap, "foreground"), (opening.MODE, "quiet")]
        bottom = [(hint, "accent*")] if hint else opening.footer(columns - 4)
        return [
            *self._above(columns, rows - len(prompt) - 4),
            self._line(columns, [(" ", ""), (f"╭{edge}╮", "faint")]),
            *prompt,
            self._line(columns, [(" ", ""), (f"╰{edge}╯", "faint")]),
            self._line(columns, [("  ", ""), *status]),
            self._line(columns, [("  ", ""), *bottom]),
        ]

    def _line(self, columns: int, pieces: list[Piece], used: int = 0) -> str:
        """The pieces, and blanks up to the edge. `used`: their cells, where they are not their characters."""
        codes = self._codes
        used = used or sum(len(text) for text, _ in pieces)
        return "".join([codes[name or "foreground"] + text for text, name in [*pieces, (" " * (columns - used), "")]])

    def _above(self, columns: int, rows: int) -> list[str]:
        """The welcome, in the middle of `rows` rows."""
        made = self._welcome.get((columns, rows))
        if made is None:
            width = min(columns, WELCOME_WIDTH_MAX)
            pieces = opening.welcome(width - 4)
            left = " " * ((columns - width) // 2 + 2)
            above = max(0, (rows - len(pieces)) // 2)
            made = [self._line(columns, [])] * above
            made += [self._line(columns, [(left, ""), *line]) for line in pieces]
            made = self._welcome[columns, rows] = (made + [self._line(columns, [])] * rows)[:rows]
        return made

    def _prompt(self, columns: int, text: str, cursor: int) -> list[str]:
        width = columns - PROMPT_MARGIN
        if not text:
            words = opening.PLACEHOLDER
            rows = [([(words[0], "cursor"), (words[1:], "quiet")], len(words))]
        else:
            rows = _written(text, cursor, width)
        lines = []
        for number, (pieces, used) in enumerate(rows):
            mark = (opening.MARK, "accent*") if number == 0 else (" ", "")
            left: list[Piece] = [(" ", ""), ("│", "faint"), (" ", ""), mark, (" ", "")]
            right: list[Piece] = [(" " * (width - used + 1), ""), ("│", "faint")]
            lines.append(self._line(columns, [*left, *pieces, *right], columns - 1))
        return lines


def _written(text: str, cursor: int, width: int) -> list[tuple[list[Piece], int]]:
    """What is typed, in rows with their cells. The cursor lies on a character, or after the last one of a line."""
    from shammah_tui.ui.preview import cells, rows

    made: list[tuple[list[Piece], int]] = []
    spans = rows(text, width - CURSOR_CELLS)
    for number, (begin, end) in enumerate(spans):
        ends_line = number + 1 == len(spans) or spans[number + 1][0] > end
        used = sum(map(cells, text[begin:end]))
        if begin <= cursor < end or (cursor == end and ends_line):
            under = text[cursor] if cursor < end else " "
            used += cursor == end
            pieces = [(text[begin:cursor], ""), (under, "cursor"), (text[cursor + 1 : end], "")]
            made.append((pieces, used))
        else:
            made.append(([(text[begin:end], "")], used))
    return made
