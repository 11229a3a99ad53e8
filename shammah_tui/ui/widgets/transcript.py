"""The conversation, drawn line by line: no widget for a message, so that its length costs nothing.

Blocks keep their height. A block that was never on screen at this width counts with an estimate until it is, so that
opening or resizing a long conversation draws only what is seen. Lines are put on the screen through a small cache.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal

from rich.segment import Segment
from textual import events
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from shammah_tui.ui.widgets.block import GUTTER, Block

# Longer lines tire the eye; wider screens leave the rest free.
WIDEST = 108
STRIPS_CACHED = 600
BLOCKS_DRAWN = 60
Move = Literal["page_up", "page_down", "line_up", "line_down", "start", "end"]

# An empty line follows every block.
GAP = 1


class Transcript(ScrollView, can_focus=False):
    """Blocks below each other; follows the end while the person is there."""

    ALLOW_SELECT = True

    unseen_lines: reactive[int] = reactive(0)
    """Lines that arrived below while the person was reading further up."""

    class UnseenChanged(Message):
        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._blocks: list[Block] = []
        self._heights: list[int] = []
        self._exact: list[bool] = []
        self._tops: list[int] = [0]
        self._drawn_blocks: dict[int, Block] = {}
        self._strips: LRUCache[int, tuple[Content, Strip]] = LRUCache(STRIPS_CACHED)
        self._following = True

    # What it holds

    @property
    def block_count(self) -> int:
        return len(self._blocks)

    def add(self, *blocks: Block) -> None:
        for block in blocks:
            self._blocks.append(block)
            self._heights.append(self._measure(block))
            self._exact.append(self._line_width > 0)
        self._extent_changed()

    def extend(self, blocks: Iterable[Block]) -> None:
        """Add many at once, drawn only when they are seen."""
        for block in blocks:
            self._blocks.append(block)
            self._heights.append(1 + GAP)
            self._exact.append(False)
        self._extent_changed()
        self._settle()

    def take_out(self, *blocks: Block) -> None:
        for block in blocks:
            index = self._blocks.index(block)
            del self._blocks[index], self._heights[index], self._exact[index]
            self._drawn_blocks.pop(id(block), None)
        self._extent_changed()

    def changed(self, block: Block) -> None:
        """`block` draws itself otherwise now; most often the last one, which grows."""
        index = len(self._blocks) - 1 if self._blocks and self._blocks[-1] is block else self._blocks.index(block)
        height = self._measure(block)
        grown = height - self._heights[index]
        self._heights[index] = height
        if grown:
            if not self._following:
                self.unseen_lines = max(0, self.unseen_lines + grown)
            self._extent_changed(index)
        else:
            self.refresh()

    def clear(self) -> None:
        self._blocks.clear()
        self._heights.clear()
        self._exact.clear()
        self._drawn_blocks.clear()
        self._strips.clear()
        self._following = True
        self.unseen_lines = 0
        self._extent_changed()

    def plain_lines(self) -> list[str]:
        """Everything it shows, as text."""
        return [line.plain for block in self._blocks for line in (*block.lines(self._line_width), Content(""))]

    # Where the person is

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._following = True
        self.unseen_lines = 0
        self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)

    def move(self, how: Move) -> None:
        match how:
            case "page_up":
                self.scroll_page_up(animate=False)
            case "page_down":
                self.scroll_page_down(animate=False)
            case "line_up":
                self.scroll_up(animate=False)
            case "line_down":
                self.scroll_down(animate=False)
            case "start":
                self.scroll_home(animate=False)
            case "end":
                self.follow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.max_scroll_y - round(new_value) <= 0
        if self._following:
            self.unseen_lines = 0
        self._settle()

    def watch_unseen_lines(self, lines: int) -> None:
        self.post_message(self.UnseenChanged(lines))

    # How it is laid out

    @property
    def _line_width(self) -> int:
        return min(WIDEST, self.scrollable_content_region.width)

    def _measure(self, block: Block) -> int:
        return (len(self._lines(block)) if self._line_width > 0 else 1) + GAP

    def _lines(self, block: Block) -> list[Content]:
        """The block's lines; the blocks that were drawn longest ago give up theirs."""
        self._drawn_blocks.pop(id(block), None)
        self._drawn_blocks[id(block)] = block
        if len(self._drawn_blocks) > BLOCKS_DRAWN:
            oldest = next(iter(self._drawn_blocks))
            self._drawn_blocks.pop(oldest).forget()
        return block.lines(self._line_width)

    def _extent_changed(self, first: int = 0) -> None:
        """Heights changed from block `first` on."""
        start = self._tops[first] if first < len(self._tops) else 0
        self._tops[first:] = accumulate(self._heights[first:], initial=start)
        del self._tops[len(self._blocks) + 1 :]
        following = self._following
        self.virtual_size = Size(self._line_width, max(0, self._tops[-1] - GAP))
        if following:
            self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)
            self._following = True
        self.refresh()

    def _settle(self) -> None:
        """Draw what is in view and was only estimated; keep what the person looks at where it is."""
        if self._line_width <= 0:
            return
        index = self._block_at(self.scroll_offset.y)
        while index < len(self._blocks) and self._tops[index] < self.scroll_offset.y + self.size.height:
            if not self._exact[index]:
                self._exact[index] = True
                self._correct(index)
            index += 1

    def _correct(self, index: int) -> None:
        """Replace an estimated height; one that began above the view pushes the view along with it."""
        grown = self._measure(self._blocks[index]) - self._heights[index]
        if not grown:
            return
        began_above = self._tops[index] < self.scroll_offset.y
        self._heights[index] += grown
        self._extent_changed(index)
        if began_above and not self._following:
            self.scroll_to(y=self.scroll_offset.y + grown, animate=False, force=True, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        """Every height may be another one now: measure what is in view, estimate the rest by what it was."""
        anchor = self._block_at(self.scroll_offset.y)
        self._exact = [False] * len(self._blocks)
        following = self._following
        self._settle()
        if following:
            self.follow()
        elif anchor < len(self._blocks):
            self.scroll_to(y=self._tops[anchor], animate=False, force=True, immediate=True)

    def _block_at(self, y: int) -> int:
        return max(0, min(len(self._blocks), bisect_right(self._tops, y) - 1))

    # How it is drawn

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.visual_style
        line_number = self.scroll_offset.y + y
        line = self._line(line_number)
        if line is None:
            return Strip.blank(width, base.rich_style)
        selection = self.text_selection
        span = selection.get_span(line_number) if selection is not None else None
        strip = self._strip(line, base) if span is None else self._selected(line, base, span)
        return strip.extend_cell_length(width, base.rich_style).apply_offsets(0, line_number)

    def _line(self, line_number: int) -> Content | None:
        index = self._block_at(line_number)
        if index >= len(self._blocks):
            return None
        lines = self._lines(self._blocks[index])
        within = line_number - self._tops[index]
        return lines[within] if within < len(lines) else None

    def _strip(self, line: Content, base: Style) -> Strip:
        """The line, from the cache where it is the very same one (a cached line lives, so its id stays its own)."""
        cached = self._strips.get(id(line))
        if cached is None or cached[0] is not line:
            cached = (line, self._drawn(line, base))
            self._strips[id(line)] = cached
        return cached[1]

    def _drawn(self, line: Content, base: Style) -> Strip:
        parts = line.render(base, end="", parse_style=self._get_style)
        return Strip([Segment(text, style.rich_style) for text, style in parts])

    def _selected(self, line: Content, base: Style, span: tuple[int, int]) -> Strip:
        start, end = span
        style = Style.from_styles(self.screen.get_component_styles("screen--selection"))
        return self._drawn(line.stylize(style, max(start, GUTTER), len(line) if end == -1 else end), base)

    # Selecting text with the mouse

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        last = self._tops[-1] - GAP
        first_y, first_x = selection.start.transpose if selection.start else (0, 0)
        last_y, last_x = selection.end.transpose if selection.end else (last, None)
        texts = []
        for y in range(first_y, min(last_y, last) + 1):
            line = self._line(y)
            plain = line.plain if line is not None else ""
            end = last_x if y == last_y else None
            texts.append(plain[max(GUTTER, first_x if y == first_y else 0) : end].rstrip())
        return "\n".join(texts), "\n"
