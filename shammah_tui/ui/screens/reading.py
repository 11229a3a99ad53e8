"""A conversation as it is read beside the prompt: scrolled, walked through block by block, searched, folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from shammah_tui.ui import wording
from shammah_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from shammah_tui.ui.widgets.find import FindBar
    from shammah_tui.ui.widgets.reading import Move, ReadableTranscript
    from shammah_tui.ui.widgets.transcript import Transcript


class ReadingScreen(Screen[None], inherit_bindings=False):
    """A subclass lays it out: `#welcome-frame` above the transcript's place, and a prompt."""

    def __init__(self, *, classes: str) -> None:
        super().__init__(classes=classes)
        self._transcript: ReadableTranscript | None = None

    async def complete(self) -> None:
        """Bring what the first picture does without, the line that finds among it."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Say which keys work here now."""
        raise NotImplementedError

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    @property
    def transcript(self) -> ReadableTranscript:
        """Brought when it is first asked for: the first picture does not show it."""
        if self._transcript is None:
            from shammah_tui.ui.widgets.reading import ReadableTranscript

            self._transcript = ReadableTranscript(id="transcript")
            unseen = Static("", id="unseen", markup=False)
            self._transcript.display = unseen.display = False
            self.mount(self._transcript, unseen, after="#welcome-frame")
        return self._transcript

    def on_transcript_unseen_changed(self, event: Transcript.UnseenChanged) -> None:
        marker = self.query_one("#unseen", Static)
        marker.display = event.lines > 0
        marker.update(Content(f"↓ {wording.count(event.lines, 'new line')} below · Ctrl+End goes there"))

    def action_fold_all(self) -> None:
        self.transcript.fold_all(not self.transcript.is_open)

    def action_browse(self, step: int) -> None:
        """Alt+Up: the block cursor, from the last block in view."""
        if self.transcript.move_cursor(step):
            self.set_focus(self.transcript)

    @property
    def _find_bar(self) -> FindBar:
        from shammah_tui.ui.widgets.find import FindBar

        return self.query_one(FindBar)

    async def action_find(self, query: str = "") -> None:
        if self.transcript.display:
            await self.complete()
            self._find_bar.open(query)
            self.show_keys()

    # Found by their names: the line is imported when it is first needed.

    def on_find_bar_changed(self, event: FindBar.Changed) -> None:
        self.transcript.find(event.query)
        self._show_found()

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        self.transcript.find_next(event.step)
        self._show_found()

    def on_find_bar_closed(self) -> None:
        self._find_bar.display = False
        self.transcript.find("")
        self.set_focus(self.prompt)

    def _show_found(self) -> None:
        transcript = self.transcript
        self._find_bar.show(transcript.found_number, transcript.found_count)

    def on_readable_transcript_left(self, event: ReadableTranscript.Left) -> None:
        self.set_focus(self.prompt)
        if event.text:
            self.prompt.insert(event.text)

    def action_scroll(self, how: Move) -> None:
        """Scroll the transcript without leaving the prompt."""
        self.transcript.move(how)
