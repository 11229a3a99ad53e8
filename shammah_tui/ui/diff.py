"""A unified diff as lines: one below the other, or old and new side by side where there is room.

Markers and line numbers say without colour what colour says too. Code is coloured by the name of its file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from textual.content import Content
from textual.highlight import highlight

from shammah_tui.ui.code_colour import CodeColours
from shammah_tui.ui.plain import TAB_CELLS, visible

SIDE_BY_SIDE_CELLS = 100
"""From this width on, old and new stand side by side."""
DIVIDER = " │ "
# The guesser of languages reads the text for some names; beyond this a diff stays uncoloured.
COLOURED_CHARACTERS = 40_000

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_FILLS = {"+": "on $success 14%", "-": "on $error 14%"}
_STRONG_FILLS = {"+": "on $success 34%", "-": "on $error 34%"}
_SIGN_STYLES = {"+": "bold $success", "-": "bold $error", " ": "$faint"}


@dataclass(frozen=True, slots=True)
class _Line:
    """`sign`: "+", "-", " ", or "" for a note; a number of 0 is not shown. `old_number`: of what stayed, in the old
    file."""

    sign: str
    number: int
    code: Content
    old_number: int = 0


@dataclass(slots=True)
class _Hunk:
    lines: list[tuple[str, int, str]] = field(default_factory=list)
    shift: int = 0
    """What a number in the old file is more than that of the same line in the new one, where the hunk begins."""


def draw_diff(diff: str, width: int) -> list[Content]:
    """Every line at most `width` cells; the names of the files are left out."""
    name, hunks = _parse(visible(diff))
    if hunks and hunks[-1].lines and hunks[-1].lines[-1][0::2] == (" ", ""):
        # What stands after the last line's end is no line.
        hunks[-1].lines.pop()
    numbers = [number for hunk in hunks for _, number, _ in hunk.lines]
    digits = len(str(max(numbers, default=0)))
    language = _language(name, diff)
    drawn: list[Content] = []
    for hunk in hunks:
        if drawn:
            drawn.append(Content.styled("⋯".rjust(digits), "$quiet"))
        lines = _coloured(hunk, language)
        signs = {line.sign for line in lines}
        if width >= SIDE_BY_SIDE_CELLS and {"+", "-"} <= signs:
            drawn += _side_by_side(lines, width, digits)
        else:
            drawn += [row for line in lines for row in _draw(line, width, digits)]
    return drawn


def _parse(diff: str) -> tuple[str, list[_Hunk]]:
    """The name of the file, and each hunk's lines as sign, number (in the new file, of a removed line in the old one)
    and text."""
    name, hunks = "", []
    old = new = 0
    for line in diff.removesuffix("\n").split("\n"):
        found = _HUNK.match(line)
        if found:
            old, new = int(found[1]), int(found[2])
            hunks.append(_Hunk(shift=old - new))
        elif not hunks:
            name = line[4:] if line.startswith("+++ ") else name
        elif line[:1] == "+":
            hunks[-1].lines.append(("+", new, line[1:]))
            new += 1
        elif line[:1] == "-":
            hunks[-1].lines.append(("-", old, line[1:]))
            old += 1
        elif line[:1] in (" ", ""):
            hunks[-1].lines.append((" ", new, line[1:]))
            old, new = old + 1, new + 1
        else:
            hunks[-1].lines.append(("", 0, line))
    return name, hunks


def _language(name: str, diff: str) -> str:
    from pygments.lexers import find_lexer_class_for_filename

    lexer = find_lexer_class_for_filename(name.rpartition("/")[2]) if len(diff) <= COLOURED_CHARACTERS else None
    return lexer.aliases[0] if lexer is not None and lexer.aliases else "text"


def _coloured(hunk: _Hunk, language: str) -> list[_Line]:
    """Old and new are coloured each as one text, so that what begins above a line is known in it."""
    new = iter(_highlighted([text for sign, _, text in hunk.lines if sign in ("+", " ")], language))
    old = iter(_highlighted([text for sign, _, text in hunk.lines if sign in ("-", " ")], language))
    lines = []
    shift = hunk.shift
    for sign, number, text in hunk.lines:
        shift += {"-": 1, "+": -1}.get(sign, 0)
        code = Content.styled(text, "$quiet")
        if sign in ("-", " "):
            code = next(old)
        if sign in ("+", " "):
            code = next(new)
        lines.append(_Line(sign, number, code, number + shift))
    return _with_changes(lines)


def _highlighted(texts: list[str], language: str) -> list[Content]:
    coloured = highlight("\n".join(texts), language=language, theme=CodeColours, tab_size=TAB_CELLS)
    lines = coloured.split(allow_blank=True)
    # A lexer may drop or join lines; then the text itself is shown.
    same = [line.plain for line in lines[: len(texts)]] == texts
    return lines if same else [Content(text) for text in texts]


def _with_changes(lines: list[_Line]) -> list[_Line]:
    """Where as many lines went as came, what differs inside each pair stands out."""
    done: list[_Line] = []
    for removed, added, others in _runs(lines):
        if len(removed) == len(added):
            pairs = [_marked(one, other) for one, other in zip(removed, added, strict=True)]
            removed, added = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        done += [*removed, *added, *others]
    return done


def _runs(lines: list[_Line]) -> list[tuple[list[_Line], list[_Line], list[_Line]]]:
    """Removed lines, the added ones after them, and what stays after those; again and again."""
    runs: list[tuple[list[_Line], list[_Line], list[_Line]]] = [([], [], [])]
    for line in lines:
        _, added, others = runs[-1]
        if (line.sign == "-" and (added or others)) or (line.sign == "+" and others):
            runs.append(([], [], []))
        runs[-1][{"-": 0, "+": 1}.get(line.sign, 2)].append(line)
    return runs


def _marked(one: _Line, other: _Line) -> tuple[_Line, _Line]:
    before, after = one.code.plain, other.code.plain
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    tail = next((at for at in range(shorter - head) if before[-1 - at] != after[-1 - at]), shorter - head)
    if head + tail < shorter // 3:
        return one, other
    return _stressed(one, head, len(before) - tail), _stressed(other, head, len(after) - tail)


def _stressed(line: _Line, start: int, end: int) -> _Line:
    code = line.code.stylize(_STRONG_FILLS[line.sign], start, end) if end > start else line.code
    return _Line(line.sign, line.number, code)


def _draw(line: _Line, width: int, digits: int) -> list[Content]:
    """One line, folded to the width."""
    head = Content.assemble(
        (str(line.number or "").rjust(digits), "$quiet"), " ", (line.sign or " ", _SIGN_STYLES.get(line.sign, ""))
    )
    room = max(1, width - digits - 3)
    rows = []
    for index, piece in enumerate(line.code.fold(room) or [line.code]):
        start = head if index == 0 else Content(" " * (digits + 2))
        row = (start + Content(" ") + piece).pad_right(max(0, room - piece.cell_length))
        rows.append(row.stylize_before(_FILLS[line.sign]) if line.sign in _FILLS else row)
    return rows


def _side_by_side(lines: list[_Line], width: int, digits: int) -> list[Content]:
    left = (width - len(DIVIDER)) // 2
    right = width - len(DIVIDER) - left
    divider = Content.styled(DIVIDER, "$faint")
    drawn: list[Content] = []
    for removed, added, others in _runs(lines):
        pairs: list[tuple[_Line | None, _Line | None]] = list(zip_longest(removed, added))
        pairs += [(replace(line, number=line.old_number if line.sign else 0), line) for line in others]
        for one, other in pairs:
            rows = zip_longest(
                _draw(one, left, digits) if one else [],
                _draw(other, right, digits) if other else [],
                fillvalue=None,
            )
            drawn += [(old or Content(" " * left)) + divider + (new or Content(" " * right)) for old, new in rows]
    return drawn
