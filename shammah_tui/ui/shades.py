"""NO_COLOR: what a colour would be in grey. Imported only where it is set."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome

NO_STYLE = Style.null()


class Shades(Monochrome):
    """Also of text without any style, as the charts have it, at which the framework's own (8.2) fails."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        styled = [Segment(text, NO_STYLE if style is None else style, control) for text, style, control in segments]
        return super().apply(styled, background)
