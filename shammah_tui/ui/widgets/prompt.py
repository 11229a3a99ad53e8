"""Where the person types: several lines, Enter sends, Up and Down reach what was sent before.

It takes keys from the first moment and never waits for anything. The frame around it belongs to its `PromptFrame`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from shammah_tui.ui.widgets.completion import Completion, Suggestion

# A paste of more than this stands in the prompt as a short mark; what is sent holds all of it.
PASTE_LINES_MAX = 8
PASTE_CHARACTERS_MAX = 1000
# As in a shell: the editor opens at the second of these keys.
LEADER, EDITOR_AFTER_LEADER = "ctrl+x", "ctrl+e"
_PASTED = re.compile(r"(\[Pasted #\d+: \d+ (?:lines|characters)\])")


class Prompt(TextArea, inherit_bindings=False):
    """The text being written. `queue_waits` lets Up on an empty prompt go to the queue."""

    BINDINGS = [*editing_bindings(), *bindings("prompt")]  # noqa: RUF012

    class Submitted(Message):
        """A message was sent; empty when Enter was pressed on an empty prompt. `shown`: as it stood in the prompt, with
        marks in place of long pastes."""

        def __init__(self, text: str, shown: str = "") -> None:
            super().__init__()
            self.text = text
            self.shown = shown or text

    class QueueWanted(Message):
        """Up on an empty prompt while messages are queued."""

    class HelpWanted(Message):
        """A question mark on an empty prompt."""

    class RecallWanted(Message):
        """Look for something that was sent before."""

    class EditorWanted(Message):
        """Go on writing in the person's own editor."""

    class LeaveWanted(Message):
        """Ctrl+D on an empty prompt."""

    class NotKept(Message):
        """What was sent could not be written to the history."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, history: History, *, id: str | None = None) -> None:
        super().__init__(id=id, highlight_cursor_line=False, placeholder=PLACEHOLDER)
        self.cursor_blink = False
        self.sent = history
        self.queue_waits = False
        self.examples: tuple[str, ...] = ()
        """What Tab offers while nothing else is written."""
        self.completion: Completion | None = None
        """The list above the prompt, which Up, Down, Tab and Esc serve while it is open."""
        self._recalled = ""
        """The text as it was after the last step through what was sent."""
        self._pastes: dict[str, str] = {}
        """What each mark stands for, to the end of the program: one may come back by undoing, or be sent again."""
        self._leads = False

    def put(self, text: str, *, cursor_at_end: bool = True) -> None:
        """Replace what is written, undoably. What was pasted in long is folded again."""
        for pasted in self.sent.pasted(text):
            self._mark(pasted)
        self.replace(self._refolded(typed(text)), self.document.start, self.document.end)
        self.move_cursor(self.document.end if cursor_at_end else (0, len(self.document[0])))

    def as_shown(self, text: str, shown: str) -> str:
        """What was sent as `text`, and stood in the prompt as `shown`, to be put there again. Where the pastes in it
        are of another session, it counts as pasted as a whole: nothing that was not typed may name a file."""
        refolded = self._refolded(text)
        return refolded if refolded == shown else self._mark(text)

    def take_back(self, text: str) -> None:
        """Return a message to the prompt, before what is being written."""
        self.put(f"{text}\n{self.text}" if self.text.strip() else text)

    async def _on_key(self, event: events.Key) -> None:
        leads, self._leads = self._leads, event.key == LEADER and not self.selected_text
        if leads and event.key == EDITOR_AFTER_LEADER:
            event.prevent_default()
            event.stop()
            self.action_open_editor()
        elif event.key == "escape" and self._menu is not None:
            event.prevent_default()
            event.stop()
            self._menu.suggest(())
        elif event.character == "?" and not self.text:
            event.prevent_default()
            event.stop()
            self.post_message(self.HelpWanted())
        else:
            await run_binding(self, event)

    async def _on_paste(self, event: events.Paste) -> None:
        # What is seen is what is sent: hidden characters in something copied from a page become visible here.
        event.prevent_default()
        event.stop()
        # Terminals send a carriage return for each new line.
        text = self._folded(typed(event.text.replace("\r\n", "\n").replace("\r", "\n")))
        self.replace(text, *self.selection, maintain_selection_offset=False)

    def _folded(self, text: str) -> str:
        """A long paste as a mark that stands for it."""
        is_long = text.count("\n") >= PASTE_LINES_MAX or len(text) > PASTE_CHARACTERS_MAX
        return self._mark(text) if is_long else text

    def _mark(self, text: str) -> str:
        known = next((mark for mark, pasted in self._pastes.items() if pasted == text), "")
        if known:
            return known
        lines = text.count("\n") + 1
        size = f"{lines} lines" if lines > PASTE_LINES_MAX else f"{len(text)} characters"
        mark = f"[Pasted #{len(self._pastes) + 1}: {size}]"
        self._pastes[mark] = text
        return mark

    def _refolded(self, text: str) -> str:
        """`text` with the marks of the pastes in it, a longer one before one that is a part of it."""
        for mark, pasted in sorted(self._pastes.items(), key=lambda known: -len(known[1])):
            # What is sent has no blanks at its ends.
            for form in (pasted, pasted.rstrip(), pasted.lstrip(), pasted.strip()):
                text = text.replace(form, mark) if form else text
        return text

    @property
    def pieces(self) -> list[str]:
        """What is written: what was typed of it, and each paste in place of its mark, in turns."""
        pieces = [""]
        for part in _PASTED.split(self.text.strip()):
            if part in self._pastes:
                pieces += [self._pastes[part], ""]
            else:
                pieces[-1] += part
        return pieces

    @property
    def whole_text(self) -> str:
        """What is written, with each paste in place of its mark."""
        return "".join(self.pieces)

    @property
    def before_cursor(self) -> str:
        return self.get_text_range(self.document.start, self.cursor_location)

    def take(self, suggestion: Suggestion) -> None:
        """Put a suggestion in the place of what it completes."""
        before = self.before_cursor[: suggestion.start].split("\n")
        start = (len(before) - 1, len(before[-1]))
        self.replace(suggestion.text, start, self.cursor_location)

    def action_send(self) -> None:
        # Its many forms are compiled when it is imported: not before the first picture.
        from shammah_tui.agent.crisis import detect

        shown, pieces = self.text.strip(), self.pieces
        text = "".join(pieces).strip()
        if text:
            if not detect(text):
                # Such words are kept nowhere.
                try:
                    self.sent.add(*pieces)
                except OSError as error:
                    self.post_message(self.NotKept(error.strerror or str(error)))
            self.clear()
        self.post_message(self.Submitted(text, shown))

    def action_new_line(self) -> None:
        self.insert("\n")

    def action_up(self) -> None:
        if self._menu is not None:
            self._menu.move(-1)
        elif not self.text and self.queue_waits:
            self.post_message(self.QueueWanted())
        elif not self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_cursor_up()
        elif (older := self._sent_beside().older(self.text)) is not None:
            self._recall(older, cursor_at_end=False)

    def action_down(self) -> None:
        if self._menu is not None:
            self._menu.move(1)
        elif not self.navigator.is_last_wrapped_line(self.cursor_location):
            self.action_cursor_down()
        elif (newer := self._sent_beside().newer()) is not None:
            self._recall(newer)

    def _sent_beside(self) -> History:
        """What was sent before. A text that is not as it was recalled is a new one: one goes from it to the newest."""
        if self.text != self._recalled:
            self.sent.rewind()
        return self.sent

    def _recall(self, text: str, *, cursor_at_end: bool = True) -> None:
        self.put(text, cursor_at_end=cursor_at_end)
        self._recalled = self.text

    @property
    def _menu(self) -> Completion | None:
        return self.completion if self.completion is not None and self.completion.is_open else None

    def action_complete(self) -> None:
        """Take what the list suggests; on an empty prompt of a new conversation, an example."""
        if self._menu is not None and self._menu.suggestion is not None:
            self.take(self._menu.suggestion)
        elif self.examples and not self.text:
            self.put(self.examples[0])
        elif self.text in self.examples:
            self.put(self.examples[(self.examples.index(self.text) + 1) % len(self.examples)])

    def action_recall(self) -> None:
        self.post_message(self.RecallWanted())

    def action_cut(self) -> None:
        """Only what is selected: alone, its key begins that of the editor."""
        if self.selected_text:
            super().action_cut()

    def action_open_editor(self) -> None:
        self.post_message(self.EditorWanted())

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

    def on_descendant_focus(self) -> None:
        self.remove_class("-idle")

    def on_descendant_blur(self) -> None:
        self.add_class("-idle")
