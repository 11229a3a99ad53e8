"""Where the person types: several lines, Enter sends, Up and Down reach what was sent before.

It takes keys from the first moment and never waits for anything. The frame around it belongs to its `PromptFrame`.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static, TextArea

from shammah_tui.agent.history import History
from shammah_tui.ui.keys import bindings, editing_bindings
from shammah_tui.ui.opening import MARK, PLACEHOLDER
from shammah_tui.ui.plain import typed
from shammah_tui.ui.widgets.ordered import run_binding


class Prompt(TextArea, inherit_bindings=False):
    """The text being written. `queue_waits` lets Up on an empty prompt go to the queue."""

    BINDINGS = [*editing_bindings(), *bindings("prompt")]  # noqa: RUF012

    class Submitted(Message):
        """A message was sent; empty when Enter was pressed on an empty prompt."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class QueueWanted(Message):
        """Up on an empty prompt while messages are queued."""

    class HelpWanted(Message):
        """A question mark on an empty prompt."""

    class LeaveWanted(Message):
        """Ctrl+D on an empty prompt."""

    class NotKept(Message):
        """What was sent could not be written to the history."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, history: History, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, highlight_cursor_line=False, placeholder=PLACEHOLDER)
        self.cursor_blink = False
        self.sent = history
        self.queue_waits = False
        self.examples: tuple[str, ...] = ()
        """What Tab offers while nothing else is written."""

    def put(self, text: str, *, cursor_at_end: bool = True) -> None:
        """Replace what is written, undoably."""
        self.replace(typed(text), self.document.start, self.document.end)
        self.move_cursor(self.document.end if cursor_at_end else (0, len(self.document[0])))

    def take_back(self, text: str) -> None:
        """Return a message to the prompt, before what is being written."""
        self.put(f"{text}\n{self.text}" if self.text.strip() else text)

    async def _on_key(self, event: events.Key) -> None:
        if event.character == "?" and not self.text:
            event.prevent_default()
            event.stop()
            self.post_message(self.HelpWanted())
        else:
            await run_binding(self, event)

    async def _on_paste(self, event: events.Paste) -> None:
        # What is seen is what is sent: hidden characters in something copied from a page become visible here.
        event.prevent_default()
        event.stop()
        self.replace(typed(event.text), *self.selection, maintain_selection_offset=False)

    def action_send(self) -> None:
        text = self.text.strip()
        if text:
            try:
                self.sent.add(text)
            except OSError as error:
                self.post_message(self.NotKept(error.strerror or str(error)))
            self.clear()
        self.post_message(self.Submitted(text))

    def action_new_line(self) -> None:
        self.insert("\n")

    def action_up(self) -> None:
        if not self.text and self.queue_waits:
            self.post_message(self.QueueWanted())
        elif not self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_cursor_up()
        elif (older := self.sent.older(self.text)) is not None:
            self.put(older, cursor_at_end=False)

    def action_down(self) -> None:
        if not self.navigator.is_last_wrapped_line(self.cursor_location):
            self.action_cursor_down()
        elif (newer := self.sent.newer()) is not None:
            self.put(newer)

    def action_example(self) -> None:
        if self.examples and not self.text:
            self.put(self.examples[0])
        elif self.text in self.examples:
            self.put(self.examples[(self.examples.index(self.text) + 1) % len(self.examples)])

    def action_delete_or_leave(self) -> None:
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.LeaveWanted())


class PromptFrame(Horizontal):
    """The prompt with its mark and border."""

    def __init__(self, history: History) -> None:
        super().__init__(id="prompt-frame")
        self._history = history

    def compose(self) -> ComposeResult:
        yield Static(MARK, id="prompt-mark", markup=False)
        yield Prompt(self._history, id="prompt")
