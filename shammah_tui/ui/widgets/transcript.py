"""The conversation, drawn line by line: no widget for a message, so that its length costs nothing.

Blocks keep their height. A block that was never on screen at this width counts with an estimate until it is, so that
opening or resizing a long conversation draws only what is seen. Lines are put on the screen through a small cache.
How the person moves, marks and searches in it is in `ui.widgets.reading`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from shammah_tui.ui.lines import GUTTER
from shammah_tui.ui.widgets.extent import Extent
from shammah_tui.ui.widgets.scrollbar import TranscriptScrollBar

if TYPE_CHECKING:
    from shammah_tui.ui.widgets.block import Block

# Longer lines tire the eye; wider screens leave the rest free.
WIDEST = 108
STRIPS_CACHED = 600
BLOCKS_DRAWN = 40
DRAWN_AT_ONCE = 4


class Frame(NamedTuple):
    """Cells of a line on the screen: free ones before it, its own, and all together. `ground`: of the free ones."""

    left: int
    width: int
    outer: int
    ground: RichStyle

    def around(self, strip: Strip, base: Style, line_number: int) -> Strip:
        """`strip` between its margins; its own cells carry their place in the transcript, for selecting."""
        return self.framed(strip.extend_cell_length(self.width, base.rich_style).apply_offsets(0, line_number))

    def framed(self, strip: Strip) -> Strip:
        right = self.outer - self.left - strip.cell_length
        before, after = ([Segment(" " * cells, self.ground)] if cells > 0 else [] for cells in (self.left, right))
        return Strip([*before, *strip, *after], self.outer) if before or after else strip


class Transcript(ScrollView, can_focus=False, inherit_bindings=False):
    """Blocks below each other; follows the end while the person is there."""

    ALLOW_SELECT = True

    # Not as it is declared by the framework, where every new line would lay out the whole screen again: this widget's
    # place never depends on how long the conversation is.
    virtual_size = Reactive(Size(0, 0))

    unseen_lines: reactive[int] = reactive(0)
    """Lines that arrived below while the person was reading further up."""

    class UnseenChanged(Message):
        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._extent = Extent()
        self._drawn_blocks: dict[int, Block] = {}
        self._strips: LRUCache[int, tuple[Content, tuple[int, Frame], Strip]] = LRUCache(STRIPS_CACHED)
        self._following = True
        self._last_changed: tuple[Block | None, list[Content]] = (None, [])
        self.is_open = False
        """Whether all that folds is open; what is added begins so."""

    # What it holds

    @property
    def block_count(self) -> int:
        return len(self._extent)

    @property
    def is_still(self) -> bool:
        """Whether the person wants nothing to move by itself."""
        return self.app.animation_level == "none"

    def add(self, *blocks: Block, before: Block | None = None) -> None:
        index = len(self._extent) if before is None else self._extent.index(before)
        before_lines = self._extent.tops[-1]
        self._extent.insert(index, blocks)
        if self._line_width > 0:
            # Of many at once no more are drawn than can be seen.
            for place in range(max(index, index + len(blocks) - DRAWN_AT_ONCE), index + len(blocks)):
                self._extent.set(place, self._measure(self._extent.blocks[place]))
        self._arrived(self._extent.tops[-1] - before_lines)

    def extend(self, blocks: Iterable[Block]) -> None:
        """Add many at once, drawn only when they are seen."""
        self._extent.insert(len(self._extent), blocks)
        self._extent_changed()
        self._settle()

    def take_out(self, *blocks: Block) -> None:
        for block in blocks:
            self._extent.remove(block)
            self._drawn_blocks.pop(id(block), None)
        self._extent_changed()

    def changed(self, block: Block) -> None:
        """`block` draws itself otherwise now; most often one of the last."""
        index = self._extent.index(block)
        is_above = self._extent.tops[index + 1] <= self.scroll_offset.y
        before = self._last_changed[1] if self._last_changed[0] is block else []
        lines = self._lines(block) if self._line_width > 0 else []
        self._last_changed = (block, lines)
        grown = self._extent.set(index, len(lines) if self._line_width > 0 else 1)
        if not grown:
            pairs = enumerate(zip(before, lines, strict=False))
            same = next((at for at, (old, new) in pairs if old is not new), min(len(before), len(lines)))
            self._refresh_lines(self._extent.tops[index] + same, self._extent.tops[index + 1])
            return
        if not self._following and is_above:
            self._keep_in_place(grown)
        self._arrived(0 if is_above else grown)

    def doubt(self, *blocks: Block) -> None:
        """These draw themselves otherwise now, which is seen to when they come into view."""
        if blocks:
            self._extent.doubt(*blocks)
            self._settle()
            self.refresh()

    def _refresh_lines(self, first: int, end: int) -> None:
        """Draw anew what of these lines is in view."""
        size = self.scrollable_content_region.size
        top = max(0, first - self.scroll_offset.y)
        height = min(size.height, end - self.scroll_offset.y) - top
        if height > 0:
            self.refresh(Region(0, top, size.width, height))

    def clear(self) -> None:
        self._extent.clear()
        self._last_changed = (None, [])
        self._drawn_blocks.clear()
        self._strips.clear()
        self._following = True
        self.unseen_lines = 0
        self._extent_changed()

    def plain_lines(self) -> list[str]:
        """Everything it shows, as text."""
        return [
            line.plain
            for block in self._extent.blocks
            if (lines := block.lines(self._line_width))
            for line in (*lines, *[Content("")] * block.gap)
        ]

    def fold_all(self, is_open: bool) -> None:
        """Open or close everything that folds."""
        self.is_open = is_open
        for block in self._extent.blocks:
            if block.folds and block.is_open != is_open:
                block.fold(is_open)
        self._lay_anew()

    def fold(self, block: Block, is_open: bool) -> None:
        block.fold(is_open)
        self._extent.set(self._extent.index(block), self._measure(block))
        # It is what the person looks at: its head stays where it is.
        self._following = False
        self._extent_changed()
        self._following = self.scroll_offset.y >= self.max_scroll_y

    # Where the person is

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._following = True
        self.unseen_lines = 0
        self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)

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
        return len(self._lines(block)) if self._line_width > 0 else 1

    def _lines(self, block: Block) -> list[Content]:
        """The block's lines; the blocks that were drawn longest ago give up theirs."""
        self._drawn_blocks.pop(id(block), None)
        self._drawn_blocks[id(block)] = block
        if len(self._drawn_blocks) > BLOCKS_DRAWN:
            oldest = next(iter(self._drawn_blocks))
            self._drawn_blocks.pop(oldest).forget()
        return block.lines(self._line_width)

    def _arrived(self, lines: int) -> None:
        """So many more lines are at or below the view."""
        if not self._following:
            self.unseen_lines = max(0, self.unseen_lines + lines)
        self._extent_changed()

    def _extent_changed(self) -> None:
        following = self._following
        self._set_lines()
        if following:
            self.scroll_end(animate=False, force=True, immediate=True, x_axis=False)
            self._following = True
        self.refresh()

    def _set_lines(self) -> None:
        self.virtual_size = Size(self._line_width, self._extent.lines)
        self._scroll_update(self.virtual_size)

    def _settle(self) -> None:
        """Draw what is in view and was only estimated; keep what the person looks at where it is."""
        if self._line_width <= 0:
            return
        extent = self._extent
        index = extent.at(self.scroll_offset.y)
        while index < len(extent) and extent.tops[index] < self.scroll_offset.y + self.size.height:
            if not extent.is_exact(index):
                self._correct(index)
            index += 1

    def _correct(self, index: int) -> None:
        """Replace an estimated height; one that began above the view pushes the view along with it."""
        began_above = self._extent.tops[index] < self.scroll_offset.y
        grown = self._extent.set(index, self._measure(self._extent.blocks[index]))
        if grown:
            self._extent_changed()
            if began_above and not self._following:
                self._keep_in_place(grown)

    def _keep_in_place(self, grown: int) -> None:
        """Something above the view grew: go along with what is looked at."""
        self._set_lines()
        self.scroll_to(y=self.scroll_offset.y + grown, animate=False, force=True, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_anew()

    def _lay_anew(self) -> None:
        """Every height may be another one now: measure what is in view, estimate the rest by what it was."""
        anchor = self._extent.at(self.scroll_offset.y)
        self._extent.doubt()
        following = self._following
        self._settle()
        if following:
            self.follow()
        elif anchor < len(self._extent):
            self.scroll_to(y=self._extent.tops[anchor], animate=False, force=True, immediate=True)
        self.refresh()

    def _place_of(self, line_number: int) -> tuple[Block, int, Content] | None:
        """The block at a line, the line's number in it, and the line; None below the last and between blocks."""
        index = self._extent.at(line_number)
        if index >= len(self._extent):
            return None
        block = self._extent.blocks[index]
        within = line_number - self._extent.tops[index]
        lines = self._lines(block)
        return (block, within, lines[within]) if within < len(lines) else None

    # How it is drawn

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = TranscriptScrollBar(thickness=self.scrollbar_size_vertical)
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past the framework's cache of a widget's lines, which knows them by their place on the screen.

        While an answer is written each line of it moves up, and would be made anew. Here it is the very same strip,
        with all that the framework has made of it before.
        """
        size, padding = self.region.size, self.styles.padding
        base, background = self.visual_style, self.background_colors[1]
        width = self.scrollable_content_region.width
        filters = self.get_line_filters()
        frame = Frame(padding.left, width, size.width, Style(background=background).rich_style)
        strips = []
        for y in crop.line_range:
            is_inside = padding.top <= y < size.height - padding.bottom
            strip = self._row(y - padding.top, base, frame) if is_inside else Strip.blank(size.width, frame.ground)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        if crop.column_span != (0, size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.visual_style
        return self._row(y, base, Frame(0, width, width, base.rich_style))

    def _row(self, y: int, base: Style, frame: Frame) -> Strip:
        """The line at `y` of the view."""
        line_number = self.scroll_offset.y + y
        place = self._place_of(line_number)
        if place is None:
            return frame.framed(Strip.blank(frame.width, base.rich_style))
        block, within, plain = place
        line = self._marked(block, within, plain)
        selection = self.text_selection
        span = selection.get_span(line_number) if selection is not None else None
        if span is None and line is plain:
            return self._cached(line, base, line_number, frame)
        strip = self._drawn(line, base) if span is None else self._selected(line, base, span)
        return frame.around(strip, base, line_number)

    def _marked(self, block: Block, within: int, line: Content) -> Content:
        """The line as it is shown just now: with a cursor, or with what was found in it."""
        return line

    def _cached(self, line: Content, base: Style, line_number: int, frame: Frame) -> Strip:
        """The line where it stands, from the cache where it is the very same one (a cached line lives, so its id stays
        its own)."""
        place = (line_number, frame)
        cached = self._strips.get(id(line))
        if cached is None or cached[0] is not line or cached[1] != place:
            self._strips[id(line)] = cached = (line, place, frame.around(self._drawn(line, base), base, line_number))
        return cached[2]

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
        last = self._extent.lines
        first_y, first_x = selection.start.transpose if selection.start else (0, 0)
        last_y, last_x = selection.end.transpose if selection.end else (last, None)
        texts = []
        for y in range(first_y, min(last_y, last) + 1):
            place = self._place_of(y)
            plain = place[2].plain if place is not None else ""
            end = last_x if y == last_y else None
            texts.append(plain[max(GUTTER, first_x if y == first_y else 0) : end].rstrip())
        return "\n".join(texts), "\n"
