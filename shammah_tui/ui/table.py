"""A Markdown table as lines: columns as wide as they need, narrowed together when the screen is narrower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

GAP = "  "
COLUMN_CELLS_MIN = 6


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: the header first; `alignments`: "left", "center", "right" or "" for each column."""

    rows: Sequence[Sequence[Content]]
    alignments: Sequence[str]

    def draw(self, width: int) -> list[Content]:
        widths = column_widths(self.rows, width)
        if widths is None:
            return _as_records(self.rows, width)
        return [*self.draw_head(widths), *self.draw_body(widths)]

    def draw_head(self, widths: Sequence[int]) -> list[Content]:
        """The header and the rule below it; `widths`: the cells of each column."""
        header = _draw_row([cell.stylize_before("bold") for cell in self.rows[0]], widths, self.alignments)
        return [*header, Content.styled(GAP.join("─" * cells for cells in widths), "$faint")]

    def draw_body(self, widths: Sequence[int]) -> list[Content]:
        """All other rows; what is wider than its column is wrapped."""
        return [line for row in self.rows[1:] for line in _draw_row(row, widths, self.alignments)]


def column_widths(rows: Sequence[Sequence[Content]], width: int) -> list[int] | None:
    """Cells for each column, together within `width`; None when even narrow columns do not fit."""
    natural = [max(1, *(cell.cell_length for cell in column)) for column in zip(*rows, strict=False)]
    room = width - len(GAP) * (len(natural) - 1)
    if sum(natural) <= room:
        return natural
    if room < COLUMN_CELLS_MIN * len(natural):
        return None
    widths = list(natural)
    # Take from the widest until all fit: short columns keep their words whole.
    while sum(widths) > room:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _draw_row(cells: Sequence[Content], widths: Sequence[int], alignments: Sequence[str]) -> list[Content]:
    columns = [cell.wrap(cells_wide) if cell else [cell] for cell, cells_wide in zip(cells, widths, strict=False)]
    height = max(len(column) for column in columns)
    lines = []
    for index in range(height):
        parts = [
            _aligned(column[index] if index < len(column) else Content(""), cells_wide, alignment)
            for column, cells_wide, alignment in zip(columns, widths, alignments, strict=False)
        ]
        lines.append(Content(GAP).join(parts))
    return lines


def _aligned(cell: Content, width: int, alignment: str) -> Content:
    missing = max(0, width - cell.cell_length)
    left = missing if alignment == "right" else missing // 2 if alignment == "center" else 0
    return cell.pad(left, missing - left)


def _as_records(rows: Sequence[Sequence[Content]], width: int) -> list[Content]:
    """Each row as "name: value" lines, for a screen too narrow for columns."""
    lines: list[Content] = []
    for row in rows[1:]:
        if lines:
            lines.append(Content(""))
        for name, cell in zip(rows[0], row, strict=False):
            lines.extend((name.stylize_before("$quiet") + Content(": ") + cell).wrap(width))
    return lines
