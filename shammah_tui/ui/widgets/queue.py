"""Messages that wait for their turn, above the prompt. Up on an empty prompt goes there; Enter edits, Del removes."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from shammah_tui.ui.keys import bindings
from shammah_tui.ui.plain import first_line

SHOWN_MAX = 4


class Queue(Widget, can_focus=True):
    """A short list; shows itself only when it holds something."""

    BINDINGS = bindings("queue")
    ALLOW_SELECT = False

    messages: reactive[tuple[str, ...]] = reactive((), layout=True)
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

    def add(self, text: str) -> None:
        self.messages = (*self.messages, text)

    def pop(self) -> str:
        """The message that is next. The queue must hold one."""
        first, *rest = self.messages
        self.messages = tuple(rest)
        return first

    def clear(self) -> None:
        self.messages = ()
        self.paused = False

    def watch_messages(self, messages: tuple[str, ...]) -> None:
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
            text = Content(f"{'›' if chosen else ' '} {index + 1}. {first_line(self.messages[index])}")
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
        text = self.messages[self.selected]
        self.action_remove()
        self.post_message(self.EditWanted(text))
        self.post_message(self.Left())

    def action_remove(self) -> None:
        self.messages = self.messages[: self.selected] + self.messages[self.selected + 1 :]
