"""A tool waits: what it would do, why it asks, which rule "always" would save, and the person's answer.

"No" is chosen to begin with. Keys that were meant for something else, pressed before this was seen, are dropped: it
listens once nothing was pressed for a moment. Esc denies, and the turn goes on; Ctrl+C denies and ends the turn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from shammah_tui import paths
from shammah_tui.events import Approval, PermissionAsked
from shammah_tui.ui import keys, wording
from shammah_tui.ui.diff import draw_diff
from shammah_tui.ui.lines import wrapped
from shammah_tui.ui.plain import visible
from shammah_tui.ui.widgets.ordered import run_binding
from shammah_tui.ui.widgets.page import Page
from shammah_tui.ui.widgets.status import Hints

GRACE_SECONDS = 0.5
LABEL_CELLS = 10
SUBJECT_LINES = 6
# Lines of the panel beside what is asked and the answers: border, how much is hidden, gaps, keys.
OTHER_LINES = 6
_TITLES = {
    "Bash": "Run a command?",
    "Edit": "Change a file?",
    "Glob": "List files?",
    "Grep": "Search files?",
    "Read": "Read a file?",
    "Restart": "Restart Shammah?",
    "WebFetch": "Fetch a page?",
    "Write": "Write a file?",
}
# Answers that are always safe to take, however early the key comes.
_ALWAYS_HEARD = frozenset({"interrupt", "app.suspend_process"})

Choice = Literal["once", "session", "always", "deny", "reason"]


@dataclass(frozen=True, slots=True)
class Option:
    choice: Choice
    text: str
    key: str


OPTIONS = (
    Option("once", "Yes, this once", "y"),
    Option("session", "Yes, and all that the rules cover, until you leave", "s"),
    Option("always", "Yes, always: save the rules", "a"),
    Option("deny", "No", "n or Esc"),
    Option("reason", "No, because …", "r"),
)


class Asked(Page):
    """What is asked, whole."""

    def __init__(self, asked: PermissionAsked, folder: Path) -> None:
        super().__init__()
        self._asked = asked
        self._folder = folder

    def lines(self, width: int) -> list[Content]:
        asked = self._asked
        mark = "$ " if asked.call.name == "Bash" else ""
        what = Content.assemble((mark, "$accent"), (visible(asked.display), "bold"))
        subject = [line.stylize_before("on $background") for line in _filled(what, width)]
        facts = _fact("in", str(self._folder), width)
        facts += _fact("runs", asked.reach, width, "" if asked.reach.startswith("inside") else "$warning")
        facts += _fact("it says", _description(asked), width)
        facts += _fact("because", asked.reason, width)
        if asked.rules:
            facts += _fact("rules", "\n".join(asked.rules), width, "$accent")
        else:
            facts += _fact("rules", "none could be saved: this is asked each time", width)
        # A long command stands last, so that the rest is seen without scrolling.
        lines = subject + facts if len(subject) <= SUBJECT_LINES else [*facts, Content(""), *subject]
        if asked.preview:
            lines += [Content(""), *draw_diff(asked.preview, width)]
        return lines


class Answers(Widget, can_focus=True):
    """The answers, one a line; the chosen one is marked."""

    ALLOW_SELECT = False

    chosen: reactive[int] = reactive(0)

    class Picked(Message):
        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, options: tuple[Option, ...]) -> None:
        super().__init__(id="answers")
        self.options = options
        self.set_reactive(Answers.chosen, next(at for at, one in enumerate(options) if one.choice == "deny"))

    def get_content_height(self, *_: object) -> int:
        return len(self.options)

    def render(self) -> Content:
        width = self.size.width
        lines = []
        for number, option in enumerate(self.options):
            is_chosen = number == self.chosen
            text = Content.assemble("› " if is_chosen else "  ", (f"{number + 1} ", "$quiet"), option.text)
            key = Content.styled(option.key, "$quiet")
            line = text + Content(" " * max(1, width - text.cell_length - key.cell_length)) + key
            lines.append(line.stylize("bold on $panel") if is_chosen else line)
        return Content("\n").join(lines)

    async def _on_key(self, event: events.Key) -> None:
        if not await run_binding(self, event) and isinstance(self.screen, ApprovalScreen):
            self.screen.drop_key()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self.options):
            self.post_message(self.Picked(self.options[offset.y].choice))


class Reason(Input):
    BINDINGS = keys.bindings("reason")

    class Given(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Back to the answers."""

    def action_give(self) -> None:
        self.post_message(self.Given(self.value))

    def action_leave(self) -> None:
        self.post_message(self.Left())


class ApprovalScreen(ModalScreen[Approval | Literal["interrupt"]], inherit_bindings=False):
    """Ends with the person's answer, or with "interrupt" where the whole turn is to end. `gone` is called when it was
    taken away without either."""

    BINDINGS = keys.bindings("approval")
    CSS_PATH = paths.styles_folder() / "approval.tcss"
    AUTO_FOCUS = "Answers"

    def __init__(
        self,
        asked: PermissionAsked,
        folder: Path,
        *,
        gone: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.asked = asked
        self._folder = folder
        self._gone = gone
        self._clock = clock
        self._quiet_since: float | None = None
        """Since when it is seen and no key came; None before it was drawn."""
        self._place = (1, 1)
        self._is_over = False

    def compose(self) -> ComposeResult:
        rules = bool(self.asked.rules)
        with Vertical(id="approval") as panel:
            panel.border_title = _TITLES.get(self.asked.call.name, "Use a tool?")
            with VerticalScroll(id="asked", can_focus=False):
                yield Asked(self.asked, self._folder)
            yield Static("", id="more", markup=False)
            yield Answers(tuple(one for one in OPTIONS if rules or one.choice not in ("session", "always")))
            yield Reason(placeholder="What it should do instead; it is told", compact=True, id="reason")
            yield Hints(keys.in_footer("approval"), id="hints")

    def on_mount(self) -> None:
        self.query_one(Reason).display = False
        self.count(*self._place)
        self.watch(self._scroll, "scroll_y", self._show_more, init=False)
        self.call_after_refresh(self._drawn)

    def on_resize(self) -> None:
        self._share_room()

    def _share_room(self) -> None:
        """What is asked scrolls in what the answers leave."""
        taken = OTHER_LINES + len(self.query_one(Answers).options) + self.query_one(Reason).display
        self._scroll.styles.max_height = max(1, self.size.height - taken)
        self.call_after_refresh(self._show_more)

    def on_screen_resume(self) -> None:
        # One that came and went at once may hear of its coming after it went.
        if self._is_over and self.app.screen is self:
            self.dismiss()

    def on_unmount(self) -> None:
        self._gone()

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one("#asked", VerticalScroll)

    def count(self, number: int, total: int) -> None:
        """It is the `number`th of `total` questions."""
        self._place = (number, total)
        for panel in self.query("#approval"):
            panel.border_subtitle = f"{number} of {total}" if total > 1 else ""

    def leave(self) -> None:
        """Its turn is gone, or it was answered elsewhere."""
        if not self._is_over:
            self._is_over = True
            if self.app.screen is self:
                self.dismiss()

    # When it listens

    @property
    def is_listening(self) -> bool:
        return self._quiet_since is not None and self._clock() - self._quiet_since >= GRACE_SECONDS

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action in _ALWAYS_HEARD or self.is_listening

    def drop_key(self) -> None:
        """A key came that does nothing here; one that came too early makes the wait longer."""
        if self._quiet_since is not None and not self.is_listening:
            self._quiet_since = self._clock()

    def _drawn(self) -> None:
        self._quiet_since = self._clock()
        self._show_more()

    def _show_more(self) -> None:
        """Say how much of what is asked is out of sight."""
        if not self.query("#asked"):
            # It went before it was drawn.
            return
        hidden = round(self._scroll.max_scroll_y - self._scroll.scroll_y)
        more = self.query_one("#more", Static)
        more.display = self._scroll.max_scroll_y > 0
        text = f"↓ {wording.count(hidden, 'more line')}: PgDn" if hidden > 0 else "↑ PgUp"
        more.update(Content(text))

    # The answer

    def action_pick(self, choice: Choice) -> None:
        """Only what is offered."""
        if choice not in [option.choice for option in self.query_one(Answers).options]:
            return
        if choice == "reason":
            self._ask_reason(True)
        else:
            self._end(Approval(choice))

    def action_number(self, number: int) -> None:
        options = self.query_one(Answers).options
        if number <= len(options):
            self.action_pick(options[number - 1].choice)

    def action_move(self, step: int) -> None:
        answers = self.query_one(Answers)
        answers.chosen = (answers.chosen + step) % len(answers.options)

    def action_choose(self) -> None:
        answers = self.query_one(Answers)
        self.action_pick(answers.options[answers.chosen].choice)

    def action_interrupt(self) -> None:
        self._end("interrupt")

    def action_scroll_asked(self, how: Literal["up", "down", "page_up", "page_down"]) -> None:
        getattr(self._scroll, f"scroll_{how}")(animate=False)

    @on(Answers.Picked)
    def _clicked(self, event: Answers.Picked) -> None:
        if self.is_listening:
            self.action_pick(event.choice)

    @on(Reason.Given)
    def _because(self, event: Reason.Given) -> None:
        self._end(Approval("deny", event.text.strip()))

    @on(Reason.Left)
    def _no_reason(self) -> None:
        self._ask_reason(False)

    def _ask_reason(self, asked: bool) -> None:
        field, answers = self.query_one(Reason), self.query_one(Answers)
        field.display = asked
        answers.chosen = next(at for at, one in enumerate(answers.options) if one.choice == "reason")
        self.set_focus(field if asked else answers)
        self.query_one(Hints).show(keys.in_footer("reason" if asked else "approval"))
        self._share_room()

    def _end(self, result: Approval | Literal["interrupt"]) -> None:
        if not self._is_over and self.app.screen is self:
            self._is_over = True
            self.dismiss(result)


def _description(asked: PermissionAsked) -> str:
    """What the model says that a command is for."""
    try:
        description = json.loads(asked.call.arguments).get("description", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return description if isinstance(description, str) else ""


def _fact(label: str, text: str, width: int, style: str = "") -> list[Content]:
    """A labelled text below the others; nothing where it says nothing."""
    if not text:
        return []
    body = wrapped(Content.styled(visible(text), style), width - LABEL_CELLS)
    labels = [label.ljust(LABEL_CELLS), *[" " * LABEL_CELLS] * (len(body) - 1)]
    return [Content.styled(name, "$quiet") + line for name, line in zip(labels, body, strict=True)]


def _filled(content: Content, width: int) -> list[Content]:
    """Folded, not wrapped: no blank of a command is lost at the end of a line."""
    rows = [row for line in content.split(allow_blank=True) for row in line.fold(width) or [line]]
    return [row.pad_right(max(0, width - row.cell_length)) for row in rows]
