"""A list of single lines whose chosen one is marked by a sign too: a ground alone is hard to see."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import OptionList

MARK = "›"


class Choices(OptionList):
    """Each option is one line, with a blank cell at its beginning."""

    def render_line(self, y: int) -> Strip:
        line = super().render_line(y)
        if self.scroll_offset.y + y != self.highlighted or not line.cell_length:
            return line
        first = next(iter(line.crop(0, 1)), Segment(" "))
        return Strip.join([Strip([Segment(MARK, first.style)], 1), line.crop(1)])
