"""The two lines at the bottom: what answers and how full its context is, and what the keys do here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from shammah_tui.state import BootstrapState, Phase
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui import wording
from shammah_tui.ui.keys import Key
from shammah_tui.ui.opening import GAP
from shammah_tui.ui.port import ContextUse

if TYPE_CHECKING:
    from shammah_tui.journal.ledger import Spent
    from shammah_tui.tools.sandbox.sandbox import Sandbox

FLASH_SECONDS = 4.0
BADGE = (" DEMO ", "bold $background on $warning")
CLOUD_SIGN = "↗"
CONTEXT_NEARLY_FULL = 0.85
# The sign tells without colour.
MODE_SIGNS = {Mode.ASK: "?", Mode.ACCEPT_EDITS: "»", Mode.PLAN: "◇", Mode.AUTO: "▶"}
MODE_STYLES = {Mode.ASK: "$quiet", Mode.ACCEPT_EDITS: "$warning", Mode.PLAN: "$accent", Mode.AUTO: "bold $warning"}


class Status(Widget):
    """Model, state, speed, context: the most important first, so that a narrow screen loses the least."""

    ALLOW_SELECT = False

    bootstrap: reactive[BootstrapState] = reactive(BootstrapState(Phase.INITIALIZING))
    activity: reactive[str] = reactive("")
    """What it does just now ("answering"); empty when it waits for the person."""
    tokens_per_second: reactive[float] = reactive(0.0)
    context: reactive[ContextUse | None] = reactive(None)
    learning: reactive[str] = reactive("")
    """How far a training is; empty while there is none."""
    adapter: reactive[str] = reactive("")
    """The one that answers; empty for the model as it came."""
    cloud: reactive[str] = reactive("")
    """The model elsewhere that answers just now."""
    all_to_cloud: reactive[bool] = reactive(False)
    """Whether every question goes to Claude from now on: the person is never to forget that."""
    spent: reactive[Spent | None] = reactive(None)
    """What Claude took so far; None or nothing where it was not asked."""
    mode: reactive[Mode] = reactive(Mode.ASK)
    """How tools are judged: always in view."""
    sandbox: reactive[Sandbox | None] = reactive(None)
    """Where commands run; None until that was tried out."""

    def render(self) -> Content:
        width = self.size.width
        for fewer in range(4):
            left, right = self._left(device=fewer < 3), self._right(fewer)
            if _cells(left, right) <= width:
                break
        # How tools are judged stands last, and is always in view.
        while len(right) > 1 and _cells(left, right) > width:
            right.pop(0)
        tail = Content("  ").join(right).truncate(width, ellipsis=True)
        room = max(1, width - tail.cell_length - 1)
        if left.cell_length > room:
            left = self._shortest(room)
        return left + Content(" " * max(0, width - left.cell_length - tail.cell_length)) + tail

    def _left(self, *, device: bool) -> Content:
        state = self.bootstrap
        if self._is_elsewhere:
            doing = self.activity or "answers all questions"
            name = self.cloud or "Claude"
            return Content.assemble((f"{CLOUD_SIGN} ", "$warning"), (name, "bold"), (f"  {doing}", "$quiet"))
        sign, colour = wording.SIGNS[state.phase]
        head = Content.assemble((f"{sign} ", colour))
        if state.phase is not Phase.READY or state.model is None:
            return head + Content(self._on_the_way()) + self._badge()
        where = wording.DEVICES.get(state.model.device, state.model.device) if device else ""
        tail = " · ".join(part for part in (where, self.activity or "ready") if part)
        return Content.assemble(head, (state.model.name, "bold"), self._badge(), (f"  {tail}", "$quiet"))

    @property
    def _is_elsewhere(self) -> bool:
        return self.all_to_cloud or (bool(self.cloud) and self.bootstrap.phase is Phase.READY)

    def _shortest(self, room: int) -> Content:
        """Who answers, in `room` cells, the demo model marked as such."""
        if self._is_elsewhere:
            return self._left(device=False).truncate(room, ellipsis=True)
        sign, colour = wording.SIGNS[self.bootstrap.phase]
        whole = Content(wording.model_name(self.bootstrap.model)).stylize("bold")
        if self.bootstrap.phase is not Phase.READY:
            whole = Content(self._on_the_way())
        badge = self._badge()
        name = whole.truncate(max(1, room - badge.cell_length - 2), ellipsis=True)
        return (Content.assemble((f"{sign} ", colour), name) + badge).truncate(room, ellipsis=True)

    def _badge(self) -> Content:
        model = self.bootstrap.model
        return Content.assemble(" ", BADGE) if model is not None and model.is_demo else Content("")

    def _on_the_way(self) -> str:
        state = self.bootstrap
        text = wording.headline(state)
        if state.progress is not None:
            text += f" {wording.percent(state.progress)} %"
            if state.progress.bytes_per_second:
                text += f" · {wording.size(state.progress.bytes_per_second)}/s"
        return text

    def _right(self, fewer: int) -> list[Content]:
        """`fewer`: 0 for all words, 1 without the reason for no sandbox, 2 without the context in tokens as well, 3 for
        the fewest."""
        parts = []
        if self.tokens_per_second:
            parts.append(Content.styled(wording.speed(self.tokens_per_second), "$quiet"))
        if self.spent is not None and self.spent.tokens:
            cost = wording.dollars(self.spent.cost_usd)
            of = f"Claude {wording.tokens(self.spent.tokens)} tok {cost}"
            parts.append(Content.styled(of if fewer < 2 else cost, "$quiet"))
        use = self.context
        # It is the local model's, which is not asked then.
        if use is not None and use.context_tokens and not self.all_to_cloud:
            share = use.used_tokens / use.context_tokens
            style = "$warning" if share >= CONTEXT_NEARLY_FULL else "$quiet"
            of = f"{wording.tokens(use.used_tokens)}/{wording.tokens(use.context_tokens)} ({share:.0%})"
            word = "context" if fewer < 3 else "ctx"
            parts.append(Content.styled(f"{word} {of if fewer < 2 else f'{share:.0%}'}", style))
        if self.adapter:
            parts.append(Content.styled(f"◆ {self.adapter}", "$quiet"))
        if self.learning:
            parts.append(Content.styled(f"◐ {self.learning}", "$accent"))
        parts.append(self._judged(why=fewer == 0))
        return parts

    def _judged(self, *, why: bool) -> Content:
        """How tools are judged, and whether there is a sandbox; `why`: with the reason where there is none."""
        mode = Content.styled(f"{MODE_SIGNS[self.mode]} {self.mode.value}", MODE_STYLES[self.mode])
        sandbox = self.sandbox
        # Before a model is there nothing runs, and the line is about its way here.
        if sandbox is None or self.bootstrap.phase is not Phase.READY:
            return mode
        text, style = wording.sandbox(sandbox, why=why)
        return mode + Content.styled(f" · {text}", style)


def _cells(left: Content, right: Sequence[Content]) -> int:
    return left.cell_length + sum(part.cell_length + 2 for part in right)


class Hints(Widget):
    """The keys that work here, or a short notice for a few seconds."""

    ALLOW_SELECT = False

    keys: reactive[tuple[Key, ...]] = reactive(())
    notice: reactive[str] = reactive("")

    def __init__(self, keys: Sequence[Key] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._timer: Timer | None = None
        self.set_reactive(Hints.keys, tuple(keys))

    def show(self, keys: Sequence[Key]) -> None:
        self.keys = tuple(keys)

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        """Say `text` in place of the keys, for a while."""
        self.unflash()
        self.notice = text
        self._timer = self.set_timer(seconds, self.unflash)

    def unflash(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self.notice = ""

    def render(self) -> Content:
        width = self.size.width
        if self.notice:
            return Content.styled(self.notice, "bold $accent").truncate(width, ellipsis=True)
        line = Content("")
        for key in self.keys:
            part = Content.assemble((key.shown, "$accent"), (f" {key.footer}", "$quiet"))
            longer = Content(GAP).join([line, part]) if line else part
            if longer.cell_length > width:
                break
            line = longer
        return line
