"""The transcript as a person reads it by key and mouse: scrolling, a cursor that goes from block to block, folding,
copying, finding. While it has the focus, letters are its keys; any other letter goes back to the prompt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from textual import events
from textual.content import Content
from textual.message import Message

from shammah_tui.ui.keys import bindings
from shammah_tui.ui.lines import is_code_head
from shammah_tui.ui.widgets.ordered import run_binding
from shammah_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from shammah_tui.ui.find import Found
    from shammah_tui.ui.widgets.block import Block, Stop

Move = Literal["page_up", "page_down", "line_up", "line_down", "start", "end"]
CURSOR = Content.styled("▏", "bold $accent")
FOUND_STYLE = "reverse"
CURRENT_STYLE = "bold $background on $warning"


class ReadableTranscript(Transcript, can_focus=True, inherit_bindings=False):
    BINDINGS = bindings("transcript")
    FOCUS_ON_CLICK = False

    class Left(Message):
        """The person goes back to the prompt, with what was typed."""

        def __init__(self, text: str = "") -> None:
            super().__init__()
            self.text = text

    class CopyWanted(Message):
        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    class RateWanted(Message):
        """The last lines of an answer were clicked: `block` is what it ends with."""

        def __init__(self, block: Block) -> None:
            super().__init__()
            self.block = block

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cursor: tuple[Block, int] | None = None
        self._pattern: re.Pattern[str] | None = None
        self._find_from = 0
        self._current: tuple[Block, int] | None = None
        """The match that was gone to: its block, and which of those in it."""

    # Moving

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

    @property
    def cursor_block(self) -> Block | None:
        return self._cursor[0] if self._cursor is not None else None

    @property
    def cursor_stop(self) -> Stop | None:
        if self._cursor is None:
            return None
        block, number = self._cursor
        stops = block.stops(self._line_width)
        return stops[min(number, len(stops) - 1)] if stops else None

    def move_cursor(self, step: int) -> bool:
        """To the next place that can be copied or folded, or the one before; False where there is none."""
        blocks = self._extent.blocks
        if self._cursor is None:
            index, number = self._extent.at(self.scroll_offset.y + self.size.height), None
            if step > 0:
                return False
        else:
            index, number = self._extent.index(self._cursor[0]), self._cursor[1] + step
        while True:
            if number is not None and 0 <= number < len(blocks[index].stops(self._line_width)):
                break
            index += step
            if not 0 <= index < len(blocks):
                return False
            number = 0 if step > 0 else len(blocks[index].stops(self._line_width)) - 1
        self._cursor = (blocks[index], number)
        self._show(index, blocks[index].stops(self._line_width)[number].first)
        return True

    def clear(self) -> None:
        self._cursor = self._current = None
        super().clear()

    def take_out(self, *blocks: Block) -> None:
        if self.cursor_block in blocks:
            self._cursor = None
        super().take_out(*blocks)

    def on_blur(self) -> None:
        self._cursor = None
        self.refresh()

    def action_move(self, step: int) -> None:
        """Below the last is the prompt."""
        if not self.move_cursor(step) and step > 0:
            self.follow()
            self.post_message(self.Left())

    def action_back(self) -> None:
        self.post_message(self.Left())

    def action_copy(self) -> None:
        stop, block = self.cursor_stop, self.cursor_block
        if stop is not None and block is not None:
            self.post_message(self.CopyWanted(block.copied(stop), stop.what))

    def action_open(self) -> None:
        """Open or close what folds; copy what does not."""
        block = self.cursor_block
        if block is not None and block.folds:
            self.fold(block, not block.is_open)
        else:
            self.action_copy()

    def action_find_again(self, step: int) -> None:
        self.find_next(step)

    async def _on_key(self, event: events.Key) -> None:
        if not await run_binding(self, event) and event.is_printable and event.character:
            event.stop()
            self.post_message(self.Left(event.character))

    def on_click(self, event: events.Click) -> None:
        # Not before there is an answer: the first picture is not to wait for it.
        from shammah_tui.ui.answer import Passage
        from shammah_tui.ui.widgets.block import Closing

        offset = event.get_content_offset(self)
        place = self._place_of(self.scroll_offset.y + offset.y) if offset is not None else None
        if offset is None or place is None or self.text_selection is not None:
            return
        block, within, line = place
        if block.folds and within == 0:
            self.fold(block, not block.is_open)
        elif isinstance(block, Passage) and is_code_head(line):
            self.post_message(self.CopyWanted(block.code_at(within), "the code"))
        elif isinstance(block, Closing):
            self.post_message(self.RateWanted(block))

    # Finding

    def find(self, query: str) -> None:
        """Look for `query` from what is in view on; nothing is marked where it is empty."""
        from shammah_tui.ui.find import pattern_of

        if self._pattern is None:
            # While it is typed, each letter looks from here again.
            self._find_from = self._extent.at(self.scroll_offset.y)
        self._pattern = pattern_of(query)
        self._current = None
        if self._pattern is not None:
            matches = self._matches()
            below = next((place for place in matches if place[0] >= self._find_from), matches[-1] if matches else None)
            if below is not None:
                self._go(*below)
        self.refresh()

    def find_next(self, step: int) -> None:
        matches = self._matches()
        if not matches:
            return
        number = self.found_number
        self._go(*matches[(number - 1 + step) % len(matches) if number else 0])

    @property
    def found_count(self) -> int:
        return len(self._matches())

    @property
    def found_number(self) -> int:
        """Which of them was gone to, from 1; 0 for none."""
        if self._current is None or self._current[0] not in self._extent.blocks:
            return 0
        place = (self._extent.index(self._current[0]), self._current[1])
        return next((number for number, match in enumerate(self._matches(), 1) if match == place), 0)

    def _matches(self) -> list[tuple[int, int]]:
        """All matches, in the text of the blocks as it was written: the block's index, and which of those in it."""
        pattern = self._pattern
        if pattern is None:
            return []
        return [
            (index, number)
            for index, block in enumerate(self._extent.blocks)
            for number, _ in enumerate(pattern.finditer(block.text))
        ]

    def _go(self, index: int, number: int) -> None:
        block = self._extent.blocks[index]
        self._current = (block, number)
        found = self._found(block)
        if number >= len(found) and block.folds and not block.is_open:
            self.fold(block, True)
            found = self._found(block)
        # What was written may not be seen as it was written: a mark of emphasis inside the words, say.
        self._show(index, found[min(number, len(found) - 1)].line if found else 0)

    def _found(self, block: Block) -> list[Found]:
        from shammah_tui.ui.find import found_in

        return found_in(self._lines(block), self._pattern) if self._pattern is not None else []

    def _show(self, index: int, line: int) -> None:
        """Bring a line of a block into view, and of the block as much as there is room for."""
        if not self._extent.is_exact(index):
            self._extent.set(index, self._measure(self._extent.blocks[index]))
            self._extent_changed()
        top = self._extent.tops[index]
        height = self.scrollable_content_region.height
        first = top + line
        if not self.scroll_offset.y <= first < self.scroll_offset.y + height - 1:
            wanted = first - (1 if first < self.scroll_offset.y else height // 2)
            self.scroll_to(y=max(0, wanted), animate=False, force=True, immediate=True)
        self.refresh()

    def _marked(self, block: Block, within: int, line: Content) -> Content:
        if self._pattern is not None:
            current = self._current if self._current is not None and self._current[0] is block else None
            for number, found in enumerate(self._found(block)):
                style = CURRENT_STYLE if current is not None and number == current[1] else FOUND_STYLE
                for at, start, end in found.spans:
                    if at == within:
                        line = line.stylize(style, start, end)
        stop = self.cursor_stop if block is self.cursor_block else None
        if stop is not None and stop.first <= within < stop.first + stop.count:
            return (line[:1] + CURSOR + line[2:]).stylize_before("on $panel")
        return line
