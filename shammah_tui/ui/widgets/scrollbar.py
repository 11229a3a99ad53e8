"""The transcript's scroll bar: as the framework draws it, but each of its lines is made once.

It is drawn with every line that an answer grows by, and in most of them looks as it did before.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

STRIPS_KEPT = 64


class TranscriptScrollBar(ScrollBar):
    def __init__(self, *, thickness: int) -> None:
        super().__init__(vertical=True, name="vertical", thickness=thickness)
        self._strips: dict[Segment, Strip] = {}
        """A bar has few kinds of lines: above, on and below the thumb, and its two ends in eighths."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        if not isinstance(bar, ScrollBarRender) or not isinstance(bar.style, Style):
            return super().render_lines(crop)
        thumb, ground = bar.style.color, bar.style.bgcolor
        if thumb is None or ground is None:
            return super().render_lines(crop)
        drawn = bar.render_bar(
            size=self.size.height,
            virtual_size=bar.virtual_size,
            window_size=bar.window_size,
            position=bar.position,
            thickness=bar.thickness,
            back_color=ground,
            bar_color=thumb,
        )
        background, filters = Color.from_rich_color(ground), self.get_line_filters()
        lines = []
        for segment in drawn.segments[crop.y : crop.bottom]:
            strip = self._strip(segment)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            lines.append(strip)
        return lines

    def _strip(self, segment: Segment) -> Strip:
        strip = self._strips.get(segment)
        if strip is None:
            if len(self._strips) >= STRIPS_KEPT:
                self._strips.clear()
            styled = Segment.apply_style([segment], self.visual_style.rich_style)
            self._strips[segment] = strip = Strip(styled, self.thickness)
        return strip
