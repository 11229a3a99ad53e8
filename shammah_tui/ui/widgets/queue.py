"""Messages that wait for their turn, above the prompt. Up on an empty prompt goes there; Enter edits, Del removes."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from shammah_tui.ui import commands
from shammah_tui.ui.keys import bindings
from shammah_tui.ui.plain import first_line
from shammah_tui.ui.port import Asked

SHOWN_MAX = 4


class Waiting(NamedTuple):
    """A message, whom it is for, and how it stands in the transcript where that differs."""

    text: str
    asked: Asked = ""
    shown: str = ""

    @property
    def written(self) -> str:
        return commands.written(self.text, self.asked)


class Queue(Widget, can_focus=True):
    """A short list; shows itself only when it holds something."""

    BINDINGS = bindings("queue")
    ALLOW_SELECT = False

    messages: reactive[tuple[Waiting, ...]] = reactive((), layout=True)
    selected: reactive[int] = reactive(0)
    paused: reactive[bool] = reactive(False)
    """After an interruption the queue waits for the person."""

    class EditWanted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person goes back to the prompt."""

    class Changed(Message):
        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def add(self, message: Waiting) -> None:
        self.messages = (*self.messages, message)

    def pop(self) -> Waiting:
        """The message that is next. The queue must hold one. What is selected stays so."""
        first, *rest = self.messages
        self.selected = max(0, self.selected - 1)
        self.messages = tuple(rest)
        return first

    def clear(self) -> None:
        self.messages = ()
        self.paused = False

    def watch_messages(self, messages: tuple[Waiting, ...]) -> None:
        self.display = bool(messages)
        self.post_message(self.Changed(len(messages)))
        self.selected = max(0, min(self.selected, len(messages) - 1))
        if not messages:
            self.paused = False
            if self.has_focus:
                self.post_message(self.Left())

    def on_focus(self) -> None:
        self.selected = len(self.messages) - 1

    def get_content_height(self, *_: object) -> int:
        return 1 + min(SHOWN_MAX, len(self.messages))

    def render(self) -> Content:
        width = self.size.width
        count = len(self.messages)
        hint = "paused: Enter sends the next" if self.paused else "Up edits"
        title = Content.assemble((f"Queued {count}", "bold $quiet"), (f" · {hint}", "$quiet"))
        first = max(0, min(self.selected - SHOWN_MAX + 1, count - SHOWN_MAX))
        lines = [title]
        for index in range(first, min(count, first + SHOWN_MAX)):
            chosen = self.has_focus and index == self.selected
            text = Content(f"{'›' if chosen else ' '} {index + 1}. {first_line(self.messages[index].written)}")
            line = text.truncate(width, ellipsis=True)
            if chosen:
                line = line.pad_right(max(0, width - line.cell_length)).stylize("bold $accent on $panel")
            lines.append(line)
        return Content("\n").join(lines)

    def action_previous(self) -> None:
        self.selected = max(0, self.selected - 1)

    def action_next(self) -> None:
        if self.selected >= len(self.messages) - 1:
            self.post_message(self.Left())
        else:
            self.selected += 1

    def action_back(self) -> None:
        self.post_message(self.Left())

    def action_edit(self) -> None:
        # The last may have been sent since the key was pressed.
        if self.messages:
            written = self.messages[self.selected].written
            self.action_remove()
            self.post_message(self.EditWanted(written))
        self.post_message(self.Left())

    def action_remove(self) -> None:
        self.messages = self.messages[: self.selected] + self.messages[self.selected + 1 :]
