"""The conversation: transcript or welcome, queue, prompt, status. It owns the layout and the order of the turns."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from shammah_tui.agent.history import History
from shammah_tui.errors import ShammahError
from shammah_tui.state import BootstrapState, Phase
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui import commands, keys, wording
from shammah_tui.ui.attention import LONG_SECONDS
from shammah_tui.ui.opening import EXAMPLES
from shammah_tui.ui.port import Asked, RuntimePort
from shammah_tui.ui.widgets.bootstrap import Welcome
from shammah_tui.ui.widgets.prompt import Prompt
from shammah_tui.ui.widgets.prompt_area import PromptArea
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints, Status

if TYPE_CHECKING:
    from shammah_tui.events import PermissionAsked
    from shammah_tui.store.session import StoredSession
    from shammah_tui.tools.sandbox.sandbox import Sandbox
    from shammah_tui.ui.approvals import Approvals
    from shammah_tui.ui.exchange import Exchange
    from shammah_tui.ui.widgets.block import Block
    from shammah_tui.ui.widgets.find import FindBar
    from shammah_tui.ui.widgets.queue import Queue
    from shammah_tui.ui.widgets.reading import Move, ReadableTranscript
    from shammah_tui.ui.widgets.transcript import Transcript

FLUSHES_PER_SECOND = 15


class ChatScreen(Screen[None], inherit_bindings=False):
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

    class NeedsAttention(Message):
        """Something waits for the person, or what took long is over."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ActivityChanged(Message):
        """What it does now; empty when it waits for the person to write."""

        def __init__(self, activity: str) -> None:
            super().__init__()
            self.activity = activity

    class RestartAllowed(Message):
        """The program is to begin again, in this conversation."""

    def __init__(self, runtime: RuntimePort, history: History) -> None:
        # As it is on nearly every screen: a class that comes with the first size applies all sheets again.
        super().__init__(classes="-high")
        self.runtime = runtime
        self._history = history
        self._exchanges: list[Exchange] = []
        self._session = ""
        self._approvals: Approvals | None = None
        self._turn: Worker[None] | None = None
        # An interrupted turn lets go of the engine before the next one begins.
        self._turns = asyncio.Lock()
        self._completing = asyncio.Lock()
        self._transcript: ReadableTranscript | None = None
        self._queue: Queue | None = None
        self._flushing: Timer | None = None

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
        self._flushing = self.set_interval(1 / FLUSHES_PER_SECOND, self._flush, pause=True)
        self.show_bootstrap(self.runtime.state)
        self.prompt.examples = EXAMPLES
        self.show_keys()

    async def complete(self) -> None:
        """Bring what the first picture does without."""
        from shammah_tui.ui.widgets.find import FindBar

        await self.query_one(PromptArea).complete()
        async with self._completing:
            if not self.query(FindBar):
                self.transcript.display = not self.query_one("#welcome-frame").display
                await self.mount(FindBar(id="find"), before=self.queue)

    # What the app asks and tells

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    @property
    def transcript(self) -> ReadableTranscript:
        """Brought when it is first asked for, as the queue: the first picture shows neither."""
        if self._transcript is None:
            from shammah_tui.ui.widgets.reading import ReadableTranscript

            self._transcript = ReadableTranscript(id="transcript")
            unseen = Static("", id="unseen", markup=False)
            self._transcript.display = unseen.display = False
            self.mount(self._transcript, unseen, after="#welcome-frame")
        return self._transcript

    @property
    def queue(self) -> Queue:
        if self._queue is None:
            from shammah_tui.ui.widgets.queue import Queue

            self._queue = Queue(id="queue")
            self._queue.display = False
            self.mount(self._queue, before="#prompt-area")
        return self._queue

    @property
    def busy(self) -> bool:
        return self._turn is not None

    @property
    def _exchange(self) -> Exchange | None:
        """The one that is running, or was last."""
        return self._exchanges[-1] if self._exchanges else None

    @property
    def chosen_exchange(self) -> Exchange | None:
        """The one under the block cursor, else the last that was answered."""
        block: Block | None = self.transcript.cursor_block
        if block is not None:
            return next((one for one in reversed(self._exchanges) if block in one.blocks), None)
        return next((one for one in reversed(self._exchanges) if one.said_something), None)

    @property
    def session(self) -> str:
        """The conversation's name, once something was said in it; empty before."""
        return self._session

    @property
    def exchanges(self) -> list[Exchange]:
        return self._exchanges

    @property
    def last_question(self) -> str:
        """The last one that a model was asked; empty where there is none."""
        asked = (one.question for one in reversed(self._exchanges) if not one.question.startswith("!"))
        return next(asked, "")

    @property
    def answers(self) -> list[str]:
        """Everything that was answered, the last first."""
        return [exchange.text for exchange in reversed(self._exchanges) if exchange.text]

    @property
    def code_blocks(self) -> list[str]:
        """The code blocks of the last answer that has any."""
        return next((codes for exchange in reversed(self._exchanges) if (codes := exchange.code_blocks)), [])

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

    async def resume(self, stored: StoredSession) -> None:
        """Leave this conversation, and go on with that one."""
        self.action_interrupt()
        async with self._turns:
            (await self.runtime.whole()).resume(stored)
        self._forget()
        from shammah_tui.ui.replay import replayed

        self._exchanges = replayed(self.transcript, stored)
        self.show_keys()
        self._session = stored.summary.id
        self._show_conversation(True)
        self.transcript.follow()
        self._count_context()

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)

    def stop(self) -> bool:
        """Interrupt, else clear the prompt; False when there was nothing to stop."""
        prompt = self.prompt
        if self.busy:
            self.action_interrupt()
        elif prompt.text:
            prompt.put("")
        else:
            return False
        return True

    def begin_anew(self) -> None:
        """Interrupt, and forget the conversation."""
        self.action_interrupt()
        self._begin_anew()

    @work(group="turn")
    async def _begin_anew(self) -> None:
        async with self._turns:
            self.runtime.begin_anew()
        self._forget()
        self._show_conversation(False)
        self._count_context()

    def _forget(self) -> None:
        self.queue.clear()
        self.transcript.clear()
        self._exchanges.clear()
        self._session = ""
        self.query_one(Status).tokens_per_second = 0.0

    # Turns

    @on(Prompt.Submitted)
    def _submitted(self, event: Prompt.Submitted) -> None:
        queue = self.queue
        match commands.parse(event.text):
            case commands.Unknown(name, closest):
                meant = f"Did you mean /{closest}?" if closest else "F1 lists the commands."
                self.flash(f"There is no command /{name}. {meant}")
                self.prompt.put(event.text)
            case commands.Invocation() as invocation:
                self.post_message(self.Commanded(invocation))
            case _ if event.text:
                self.send(event.text, shown=event.shown)
            case _ if queue.messages:
                queue.paused = False
                self._start(queue.pop())

    def send(self, question: str, asked: Asked = "", *, shown: str = "") -> None:
        """Ask it now, or queue it while another is answered. `shown`: as it stands in the transcript."""
        queue = self.queue
        if self.busy:
            queue.add(question)
        else:
            queue.paused = False
            self._start(question, asked, shown)

    def _start(self, question: str, asked: Asked = "", shown: str = "") -> None:
        # With the first question: the first picture is not to wait for it.
        from shammah_tui.ui.exchange import Exchange

        self._show_conversation(True)
        before = self._exchange
        if before is not None and before.failed and not before.said_something and before.question == question:
            self._withdraw(before)
        exchange = Exchange(self.transcript, question, shown=shown)
        self._exchanges.append(exchange)
        self._turn = self._run(exchange) if question.startswith("!") else self._answer(exchange, asked)
        if self._flushing is not None:
            self._flushing.resume()
        self._started_at = time.monotonic()
        self.post_message(self.ActivityChanged("answers"))
        self.show_keys()

    @work(group="turn")
    async def _answer(self, exchange: Exchange, asked: Asked) -> None:
        from shammah_tui.events import HelpShown, PermissionAsked, RestartWanted, TurnStarted
        from shammah_tui.ui.screens.help_lines import HelpLines

        restarts = False
        shown = exchange.shown if exchange.shown != exchange.question else ""
        async with self._turns, aclosing(self.runtime.ask(exchange.question, shown=shown, asked=asked)) as events:
            async for event in events:
                if isinstance(event, HelpShown):
                    self._withdraw(exchange)
                    self._turn_over()
                    self.prompt.take_back(exchange.question)
                    self.app.push_screen(HelpLines(event.title, event.text))
                    return
                exchange.hear(event)
                if isinstance(event, TurnStarted) and event.route == "local":
                    self.show_adapter(event.adapter)
                if isinstance(event, PermissionAsked):
                    self.approvals.ask(event)
                    self.post_message(self.NeedsAttention(f"{event.call.name} waits for your answer"))
                    self.post_message(self.ActivityChanged("asks you"))
                if isinstance(event, RestartWanted):
                    restarts = True
        if restarts:
            await self._note_session()
            self.post_message(self.RestartAllowed())
        else:
            await self._next(exchange)

    @work(group="turn")
    async def _run(self, exchange: Exchange) -> None:
        """A command of the person's own, after `!`."""
        from shammah_tui.events import ToolRequested, ToolStarted

        runtime = await self.runtime.whole()
        async with self._turns, aclosing(runtime.run_command(exchange.question[1:].strip())) as events:
            async for event in events:
                if isinstance(event, ToolStarted):
                    exchange.hear(ToolRequested(event.call))
                exchange.hear(event)
        exchange.finish()
        await self._next(exchange)

    async def _note_session(self) -> None:
        record = (await self.runtime.whole()).record
        self._session = record.session if record.entries else ""

    async def _next(self, exchange: Exchange) -> None:
        """A turn is over: what waits in the queue comes next."""
        self._turn_over()
        if time.monotonic() - self._started_at > LONG_SECONDS:
            self.post_message(self.NeedsAttention("the answer failed" if exchange.failed else "the answer is there"))
        await self._note_session()
        queue = self.queue
        if exchange.failed:
            queue.paused = bool(queue.messages)
            self.prompt.take_back(exchange.question)
        elif queue.messages and not queue.paused:
            self._start(queue.pop())

    def action_interrupt(self) -> None:
        """Esc: at once. A question that nothing was said to goes back to the prompt."""
        turn, exchange = self._turn, self._exchange
        if turn is None or exchange is None:
            return
        turn.cancel()
        queue = self.queue
        queue.paused = bool(queue.messages)
        if exchange.said_something:
            exchange.interrupt()
        else:
            self._withdraw(exchange)
            self.prompt.take_back(exchange.question)
        self._turn_over()

    @property
    def approvals(self) -> Approvals:
        from shammah_tui.ui.approvals import Approvals

        if self._approvals is None:
            self._approvals = Approvals(
                self.app, self.runtime.folder, answered=self._permission_answered, interrupt=self.action_interrupt
            )
        return self._approvals

    def deny_all(self) -> None:
        """Whatever is asked is answered with no."""
        if self._approvals is not None:
            self._approvals.deny_all()

    def _permission_answered(self, asked: PermissionAsked) -> None:
        if self._exchange is not None:
            self._exchange.answer_permission(asked.call.id)
        self.post_message(self.ActivityChanged("answers"))

    def _withdraw(self, exchange: Exchange) -> None:
        exchange.withdraw()
        self._exchanges.remove(exchange)

    def _turn_over(self) -> None:
        self._flush()
        if self._flushing is not None:
            self._flushing.pause()
        self._turn = None
        status = self.query_one(Status)
        status.activity = status.cloud = ""
        self.post_message(self.ActivityChanged(""))
        self._show_conversation(self.transcript.block_count > 0)
        self.show_keys()
        self._count_context()
        self._count_spent()

    def _flush(self) -> None:
        """Draw what arrived since the last time."""
        exchange = self._exchange
        if exchange is None:
            return
        exchange.flush()
        status = self.query_one(Status)
        # Only what can be told apart: each other value would draw the line again.
        status.tokens_per_second = round(exchange.tokens_per_second, 1 if exchange.tokens_per_second < 10 else None)
        status.activity = exchange.activity
        status.cloud = exchange.cloud

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
        runtime = await self.runtime.whole()
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

    def on_transcript_unseen_changed(self, event: Transcript.UnseenChanged) -> None:
        marker = self.query_one("#unseen", Static)
        marker.display = event.lines > 0
        marker.update(Content(f"↓ {wording.count(event.lines, 'new line')} below · Ctrl+End goes there"))

    # Reading

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
