"""The transcript stays light and in its place, however long it is."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from shammah_tui.events import TextArrived, TurnStarted
from shammah_tui.ui.answer import Answer
from shammah_tui.ui.exchange import Exchange
from shammah_tui.ui.widgets.block import Block, Question
from shammah_tui.ui.widgets.transcript import BLOCKS_DRAWN, Transcript

from .bench import Bench


class Counted(Block):
    """A block that counts how often it is drawn."""

    def __init__(self, number: int, height: int = 4) -> None:
        super().__init__()
        self.number = number
        self.height = height
        self.drawn = 0
        self.held = False

    def lines(self, width: int) -> list[Content]:
        if not self.held:
            self.drawn += 1
            self.held = True
        return [Content(f"  block {self.number} line {line}") for line in range(self.height)]

    def forget(self) -> None:
        self.held = False


def visible_text(transcript: Transcript) -> list[str]:
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


async def test_ten_thousand_blocks_are_drawn_only_where_they_are_seen() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Transcript)
        blocks = [Counted(number) for number in range(10_000)]
        transcript.extend(blocks)
        transcript.follow()
        await pilot.pause()
        assert sum(block.drawn for block in blocks) < 60
        assert "block 9999 line 3" in visible_text(transcript)[-1]
        for _ in range(40):
            transcript.scroll_page_up(animate=False, force=True)
            await pilot.pause()
        assert sum(block.held for block in blocks) <= BLOCKS_DRAWN


async def test_scrolling_up_through_estimates_never_jumps() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.extend(Counted(number, height=1 + number % 7) for number in range(300))
        transcript.follow()
        await pilot.pause()
        before = visible_text(transcript)
        for _ in range(200):
            transcript.scroll_to(y=transcript.scroll_y - 1, animate=False, immediate=True)
            await pilot.pause()
            now = visible_text(transcript)
            assert now[1:] == before[:-1]
            before = now


async def test_resizing_keeps_the_place() -> None:
    app = Bench()
    async with app.run_test(size=(100, 24)) as pilot:
        transcript = app.query_one(Transcript)
        blocks: list[Block] = [Question("word " * 60) for _ in range(50)]
        transcript.add(*blocks)
        await pilot.pause()
        transcript.scroll_to(y=transcript._extent.tops[20], animate=False, immediate=True)
        await pilot.pause()
        await pilot.resize_terminal(50, 24)
        await pilot.pause()
        assert transcript._extent.at(transcript.scroll_offset.y) == 20


async def test_a_selection_is_the_text_without_the_gutter() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.add(Question("Question here"), *Answer("First *line*\n\nSecond line").passages)
        await pilot.pause()
        app.screen.text_select_all()
        assert app.screen.get_selected_text() == "Question here\n\nFirst line\n\nSecond line"
        app.screen.clear_selection()
        await pilot.mouse_down(transcript, offset=(4, 2))
        await pilot.hover(transcript, offset=(8, 4))
        await pilot.mouse_up(transcript, offset=(8, 4))
        await pilot.pause()
        assert app.screen.get_selected_text() == "rst line\n\nSecond"


async def test_streaming_draws_only_what_is_new() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Transcript)
        old = [Counted(number) for number in range(200)]
        answer = Answer()
        transcript.add(*old, *answer.passages)
        await pilot.pause()
        drawn = sum(block.drawn for block in old)
        for _ in range(100):
            answer.append("word ")
            transcript.changed(answer.passages[-1])
        await pilot.pause()
        assert sum(block.drawn for block in old) - drawn < 20
        assert transcript.scroll_y == transcript.max_scroll_y


class Recording(Transcript):
    """Keeps how many lines were to be drawn anew, each time that the height stayed the same."""

    redrawn: ClassVar[list[int]] = []

    def _refresh_lines(self, first: int, end: int) -> None:
        self.redrawn.append(end - first)
        super()._refresh_lines(first, end)


async def test_a_word_more_in_an_answer_draws_the_end_of_the_answer_alone() -> None:
    class Recorded(Bench):
        def compose(self) -> ComposeResult:
            yield Recording()

    app = Recorded()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Recording)
        exchange = Exchange(transcript, "How?", clock=lambda: 0.0)
        exchange.hear(TurnStarted("Demo", "local"))
        for text in ("one\n\ntwo\n\nthree", " and"):
            exchange.hear(TextArrived(text))
            exchange.flush()
        await pilot.pause()
        transcript.redrawn.clear()
        exchange.hear(TextArrived(" four"))
        exchange.flush()
        # Not the last line of the exchange too, which would have the whole answer drawn anew with it.
        assert len(transcript.redrawn) == 1
