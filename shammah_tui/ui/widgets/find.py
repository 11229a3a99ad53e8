"""Ctrl+F: a line to type what is looked for in the conversation, with how many places there are."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from shammah_tui.ui.keys import bindings
from shammah_tui.ui.widgets.line import Line


class FindInput(Line):
    BINDINGS = bindings("find")

    def action_step(self, step: int) -> None:
        self.post_message(FindBar.Stepped(step))

    def action_close(self) -> None:
        self.post_message(FindBar.Closed())


class FindBar(Horizontal):
    """Hidden until it is opened; keeps what was looked for last."""

    ALLOW_SELECT = False

    class Changed(Message):
        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Stepped(Message):
        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Closed(Message):
        """The person goes back to the prompt."""

    def compose(self) -> ComposeResult:
        yield Static("/", id="find-mark", markup=False)
        yield FindInput(placeholder="Find in the conversation", compact=True, select_on_focus=True, id="find-input")
        yield Static("", id="find-count", markup=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False

    def open(self, query: str) -> None:
        """With `query`, or with what was looked for last."""
        self.display = True
        field = self.query_one(FindInput)
        field.value = query or field.value
        # At once: what is typed next belongs here.
        self.screen.set_focus(field)
        self.post_message(self.Changed(field.value))

    def show(self, number: int, count: int) -> None:
        text = f"{number} of {count}" if count else "nothing found" if self.query_one(FindInput).value.strip() else ""
        self.query_one("#find-count", Static).update(Content(text))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))
