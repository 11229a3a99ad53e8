"""The conversation: transcript or welcome, queue, prompt, status. It owns the layout; the order of the turns is in
`turns`, how the transcript is read in `reading`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantBlur, DescendantFocus, ScreenResume
from textual.geometry import Size
from textual.message import Message

from shammah_tui.agent.history import History
from shammah_tui.errors import ShammahError
from shammah_tui.state import BootstrapState, Phase
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui import commands, keys
from shammah_tui.ui.opening import EXAMPLES
from shammah_tui.ui.port import Asked, RuntimePort
from shammah_tui.ui.screens.turns import TurnsScreen
from shammah_tui.ui.widgets.bootstrap import Welcome
from shammah_tui.ui.widgets.prompt import Prompt
from shammah_tui.ui.widgets.prompt_area import PromptArea
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints, Status

if TYPE_CHECKING:
    from shammah_tui.tools.sandbox.sandbox import Sandbox
    from shammah_tui.ui.widgets.queue import Queue


class ChatScreen(TurnsScreen, inherit_bindings=False):
    """Sends what is typed, one message after the other, and shows what comes back."""

    BINDINGS = keys.bindings("chat")
    AUTO_FOCUS = "#prompt"
    # A very low screen keeps the prompt and gives up the hints.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (14, "-high")]  # noqa: RUF012

    class Commanded(Message):
        """A slash command was sent."""

        def __init__(self, invocation: commands.Invocation) -> None:
            super().__init__()
            self.invocation = invocation

    def __init__(self, runtime: RuntimePort, history: History) -> None:
        # As it is on nearly every screen: a class that comes with the first size applies all sheets again.
        super().__init__(runtime, classes="-high")
        self.covered = True
        """Whether the first picture still stands in its place."""
        self._history = history
        self._completing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        with Vertical(id="welcome-frame"):
            yield Welcome(EXAMPLES, id="welcome")
        yield PromptArea(self._history, self.runtime.folder, self._arguments)
        yield Status(id="status")
        yield Hints(id="hints")

    def on_mount(self) -> None:
        if not self.query(Prompt):
            # A signal ends the program while this is put together, and the parts do not come any more.
            return
        self.show_bootstrap(self.runtime.state)
        self.prompt.examples = EXAMPLES
        self.show_keys()

    # Under the first picture Textual would apply the sheets a second time before anything has changed, lay out anew for
    # each widget's first size, and draw what nobody sees.

    def _on_screen_resume(self, event: ScreenResume) -> None:
        event.refresh_styles = event.refresh_styles and not self.covered

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        if not (self.covered and self.app._dom_ready):
            super()._refresh_layout(size, scroll)

    def _compositor_refresh(self) -> None:
        if not self.covered:
            super()._compositor_refresh()

    async def complete(self) -> None:
        """Bring what the first picture does without."""
        from shammah_tui.ui.widgets.find import FindBar

        await self.query_one(PromptArea).complete()
        async with self._completing:
            if not self.query(FindBar):
                self.transcript.display = not self.query_one("#welcome-frame").display
                await self.mount(FindBar(id="find"), before=self.queue)

    # What the app asks and tells

    def show_bootstrap(self, state: BootstrapState) -> None:
        self.query_one(Welcome).bootstrap = state
        self.query_one(Status).bootstrap = state
        if state.phase is Phase.READY and not self.busy:
            self._count_context()

    def show_learning(self, line: str) -> None:
        self.query_one(Status).learning = line

    def show_adapter(self, name: str) -> None:
        """The one that answers; empty for the model as it came."""
        self.query_one(Status).adapter = name

    def note(self, text: str) -> None:
        """Say something in the conversation that belongs to no question."""
        from shammah_tui.ui.widgets.block import Notice

        self.transcript.add(Notice(text))
        self._show_conversation(True)

    async def _arguments(self, command: str) -> list[str]:
        from shammah_tui.ui.adapter_flow import AdapterFlow

        return await AdapterFlow(self.app, self.runtime, self).names() if command == "adapter" else []

    def show_mode(self, mode: Mode) -> None:
        self.query_one(Status).mode = mode

    def show_route(self, asked: Asked) -> None:
        """Whom the person wants from now on."""
        self.query_one(Status).all_to_cloud = asked == "cloud"

    def show_sandbox(self, sandbox: Sandbox) -> None:
        self.query_one(Status).sandbox = sandbox

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)

    @on(Prompt.Submitted)
    def _submitted(self, event: Prompt.Submitted) -> None:
        queue = self.queue
        match commands.parse(event.text):
            case commands.Unknown(name, closest):
                meant = f"Did you mean /{closest}?" if closest else "F1 lists the commands."
                self.flash(f"There is no command /{name}. {meant}")
                self.prompt.put(event.text)
            case commands.Invocation() as invocation if isinstance(
                typed := commands.parse(event.shown), commands.Invocation
            ):
                self.post_message(self.Commanded(invocation._replace(shown=typed.argument)))
            case _ if event.text:
                self.send(event.text, shown=event.shown)
            case _ if queue.messages and not self._must_wait:
                queue.paused = False
                self._start(*queue.pop())

    @work(group="context", exclusive=True)
    async def _count_context(self) -> None:
        status = self.query_one(Status)
        try:
            status.context = await self.runtime.context()
        except ShammahError:
            # The meter is a convenience; the engine's own state tells what is wrong.
            status.context = None

    @work(group="spent", exclusive=True)
    async def _count_spent(self) -> None:
        try:
            runtime = await self.runtime.whole()
        except ShammahError:
            # Nothing was asked of anybody.
            return
        # A turn that was interrupted has let go of the connection then, and of what it cost.
        async with self._turns:
            self.query_one(Status).spent = runtime.ledger.spent

    # The queue and the prompt

    @on(Prompt.QueueWanted)
    def _to_queue(self) -> None:
        self.queue.focus()

    # What comes from a widget that is brought later is found by its name.

    def on_queue_left(self) -> None:
        self.prompt.focus()

    def on_queue_edit_wanted(self, event: Queue.EditWanted) -> None:
        self.prompt.take_back(event.text)

    def on_queue_changed(self, event: Queue.Changed) -> None:
        self.prompt.queue_waits = event.count > 0
        self.show_keys()

    @on(Prompt.NotKept)
    def _not_kept(self, event: Prompt.NotKept) -> None:
        self.flash(f"This message could not be kept for later sessions: {event.reason}")

    # What is shown

    def _show_conversation(self, shown: bool) -> None:
        self.query_one("#welcome-frame").display = not shown
        if not shown and self.transcript.has_focus:
            # Hidden, it would leave the keys to nobody.
            self.set_focus(self.prompt)
        self.transcript.display = shown
        self.prompt.examples = () if shown else EXAMPLES

    @on(DescendantFocus)
    @on(DescendantBlur)
    def show_keys(self) -> None:
        if self._queue is not None and self._queue.has_focus:
            shown = keys.in_footer("queue")
        elif self._transcript is not None and self._transcript.has_focus:
            shown = keys.in_footer("transcript")
        elif any(bar.display for bar in self.query("#find")):
            shown = keys.in_footer("find")
        elif self.busy:
            shown = [
                key._replace(footer="queue") if key.action == "send" else key
                for key in keys.in_footer("chat", "prompt")
            ]
            shown += keys.in_footer("everywhere")
        else:
            shown = keys.while_writing(rated=any(one.said_something for one in self._exchanges))
        self.query_one(Hints).show(shown)
