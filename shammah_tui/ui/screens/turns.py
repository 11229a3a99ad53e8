"""The order of the turns: one message after the other is answered, the others wait in the queue; a turn is interrupted,
its questions are put to the person, what it says is drawn.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker

from shammah_tui.errors import ShammahError
from shammah_tui.ui.attention import LONG_SECONDS
from shammah_tui.ui.port import Asked, RuntimePort
from shammah_tui.ui.screens.reading import ReadingScreen
from shammah_tui.ui.widgets.status import Status

if TYPE_CHECKING:
    from shammah_tui.events import PermissionAsked
    from shammah_tui.store.session import StoredSession
    from shammah_tui.ui.approvals import Approvals
    from shammah_tui.ui.exchange import Exchange
    from shammah_tui.ui.widgets.block import Block
    from shammah_tui.ui.widgets.queue import Queue

FLUSHES_PER_SECOND = 15


class TurnsScreen(ReadingScreen, inherit_bindings=False):
    """A subclass shows what is asked of it here: the conversation, the adapter, the meter."""

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

    def __init__(self, runtime: RuntimePort, *, classes: str) -> None:
        super().__init__(classes=classes)
        self.runtime = runtime
        self._exchanges: list[Exchange] = []
        self._session = ""
        self._approvals: Approvals | None = None
        self._turn: Worker[None] | None = None
        # An interrupted turn lets go of the engine before the next one begins.
        self._turns = asyncio.Lock()
        self._queue: Queue | None = None
        self._held = 0
        """How many times another conversation is on its way: what is sent meanwhile waits for it."""
        self._claude_next = False
        """Whether Claude is to be asked the last question again, as soon as the turn is over."""
        self._flushing: Timer | None = None

    def on_mount(self) -> None:
        self._flushing = self.set_interval(1 / FLUSHES_PER_SECOND, self._flush, pause=True)

    def show_adapter(self, name: str) -> None:
        """The one that answers; empty for the model as it came."""
        raise NotImplementedError

    def flash(self, text: str) -> None:
        """Say something for a moment."""
        raise NotImplementedError

    def _show_conversation(self, shown: bool) -> None:
        """The conversation, or what stands there before one."""
        raise NotImplementedError

    def _count_context(self) -> object:
        """Count again how full the context is."""
        raise NotImplementedError

    def _count_spent(self) -> object:
        """Count again what Claude has cost."""
        raise NotImplementedError

    # What was said so far

    @property
    def queue(self) -> Queue:
        """Brought when it is first asked for, as the transcript."""
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
    def _must_wait(self) -> bool:
        """Whether what is sent now has its turn later."""
        return self.busy or self._held > 0

    @property
    def _exchange(self) -> Exchange | None:
        """The one that is running, or was last."""
        return self._exchanges[-1] if self._exchanges else None

    @property
    def chosen_exchange(self) -> Exchange | None:
        """The one under the block cursor, else the last that was answered (not a command of the person's own)."""
        block: Block | None = self.transcript.cursor_block
        if block is not None:
            return next((one for one in reversed(self._exchanges) if block in one.blocks), None)
        return next((one for one in reversed(self._exchanges) if one.said_something and one.turn is not None), None)

    @property
    def session(self) -> str:
        """The conversation's name, once something was said in it; empty before."""
        return self._session

    @property
    def exchanges(self) -> list[Exchange]:
        return self._exchanges

    @property
    def _last_asked(self) -> Exchange | None:
        """The last whose question is for a model."""
        return next((one for one in reversed(self._exchanges) if not one.question.startswith("!")), None)

    @property
    def answers(self) -> list[str]:
        """Everything that was answered, the last first."""
        return [exchange.text for exchange in reversed(self._exchanges) if exchange.text]

    @property
    def unanswered(self) -> str:
        """What the person wrote and nothing was said to: what is asked just now, what waits, and what is in the prompt,
        a message a line, each as it stood in the prompt."""
        from shammah_tui.ui import commands

        waiting = list(self._queue.messages) if self._queue is not None else []
        texts = [commands.written(message.shown or message.text, message.asked) for message in waiting]
        exchange = self._exchange
        if self.busy and exchange is not None and not exchange.said_something:
            texts.insert(0, commands.written(exchange.shown, exchange.asked))
        return "\n".join(text for text in (*texts, self.prompt.text.strip()) if text)

    @property
    def code_blocks(self) -> list[str]:
        """The code blocks of the last answer that has any."""
        return next((codes for exchange in reversed(self._exchanges) if (codes := exchange.code_blocks)), [])

    # From one conversation to another

    def hold(self) -> None:
        """Keep what was sent and is not answered yet, and what is sent from now on, for another conversation; until
        `release`."""
        from shammah_tui.ui.widgets.queue import Waiting

        turn, exchange, queue = self._turn, self._exchange, self.queue
        if turn is not None and exchange is not None:
            turn.cancel()
            self._withdraw(exchange)
            queue.messages = (Waiting(exchange.question, exchange.asked, exchange.shown), *queue.messages)
            self._turn_over()
        self._held += 1

    def release(self) -> None:
        """The conversation is the one that was waited for. Not at once: the program may be about to end."""
        self.call_later(self._released)

    def _released(self) -> None:
        self._held -= 1
        queue = self.queue
        if queue.messages and not queue.paused and not self._must_wait:
            self._start(*queue.pop())

    def _leave(self) -> None:
        """Interrupt, and forget what waits in this conversation; what is sent from now on is for the next one."""
        if not self._held:
            self.queue.clear()
        self.action_interrupt()
        self._held += 1

    async def resume(self, stored: StoredSession) -> None:
        """Leave this conversation, and go on with that one."""
        from shammah_tui.ui.replay import replayed

        self._leave()
        try:
            async with self._turns:
                (await self.runtime.whole()).resume(stored)
            self._forget()
            self._exchanges = replayed(self.transcript, stored)
            self.show_keys()
            self._session = stored.summary.id
            self._show_conversation(True)
            self.transcript.follow()
            self._count_context()
        finally:
            self.release()

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
        self._leave()
        self._begin_anew()

    @work(group="turn")
    async def _begin_anew(self) -> None:
        async with self._turns:
            self.runtime.begin_anew()
        self._forget()
        self._show_conversation(False)
        self._count_context()
        self.release()

    def _forget(self) -> None:
        self.transcript.clear()
        self._exchanges.clear()
        self._session = ""
        self.query_one(Status).tokens_per_second = 0.0

    # Turns

    def send(self, question: str, asked: Asked = "", *, shown: str = "") -> None:
        """Ask it now, or queue it where it must wait. `shown`: as it stands in the transcript."""
        from shammah_tui.ui.widgets.queue import Waiting

        queue = self.queue
        if self._must_wait:
            queue.add(Waiting(question, asked, shown))
        else:
            queue.paused = False
            self._start(question, asked, shown)

    async def ask_claude(self) -> None:
        """Send the question that waits, or the last one, to Claude; while something else runs, as soon as it is over.
        The person's key is the consent."""
        running, asked = self._exchange, self._last_asked
        if asked is None:
            self.flash("There is no question yet that Claude could answer")
        elif not self.busy:
            self.send(asked.question, "cloud", shown=asked.shown)
        elif asked is running and asked.route == "claude":
            self.flash("Claude answers already")
        else:
            self._claude_next = True
            if asked is running and not asked.route:
                await self._agree()
            else:
                self.flash("Claude is asked as soon as this is over")

    async def _agree(self) -> None:
        (await self.runtime.whole()).routing.agree()
        self.flash("Until you leave, Claude answers whenever the model cannot; /local keeps a question here")

    def _start(self, question: str, asked: Asked = "", shown: str = "") -> None:
        # With the first question: the first picture is not to wait for it.
        from shammah_tui.ui.exchange import Exchange

        self._show_conversation(True)
        self._claude_next = False
        before = self._exchange
        if before is not None and before.failed and not before.said_something and before.question == question:
            self._withdraw(before)
        exchange = Exchange(self.transcript, question, asked=asked, shown=shown)
        self._exchanges.append(exchange)
        self._turn = self._run(exchange) if question.startswith("!") else self._answer(exchange, asked)
        if self._flushing is not None:
            self._flushing.resume()
        self._started_at = time.monotonic()
        self.post_message(self.ActivityChanged("answers"))
        self.show_keys()

    @work(group="turn")
    async def _answer(self, exchange: Exchange, asked: Asked) -> None:
        from shammah_tui.events import HelpShown, PermissionAsked, RestartWanted, TurnStarted, TurnWaiting
        from shammah_tui.ui.screens.help_lines import HelpLines

        restarts = False
        shown = exchange.shown if exchange.shown != exchange.question else ""
        async with self._turns, aclosing(self.runtime.ask(exchange.question, shown=shown, asked=asked)) as events:
            async for event in events:
                if isinstance(event, HelpShown):
                    self._withdraw(exchange)
                    self._turn_over()
                    self._give_back(exchange)
                    self.app.push_screen(HelpLines(event.title, event.text))
                    return
                exchange.hear(event)
                if isinstance(event, TurnWaiting) and self._claude_next:
                    await self._agree()
                if isinstance(event, TurnStarted) and event.route == "local":
                    self.show_adapter(event.adapter)
                if isinstance(event, TurnStarted) and event.route == "claude":
                    self._claude_next = False
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
        from shammah_tui.events import ToolRequested, ToolStarted, TurnFailed

        try:
            runtime = await self.runtime.whole()
            async with self._turns, aclosing(runtime.run_command(exchange.question[1:].strip())) as events:
                async for event in events:
                    if isinstance(event, ToolStarted):
                        exchange.hear(ToolRequested(event.call))
                    exchange.hear(event)
            exchange.finish()
        except ShammahError as error:
            exchange.hear(TurnFailed(error.message, error.hint, error.exit_code))
        await self._next(exchange)

    async def _note_session(self) -> None:
        try:
            record = (await self.runtime.whole()).record
        except ShammahError:
            # It could not be opened, as the turn has said.
            return
        self._session = record.session if record.entries else ""

    async def _next(self, exchange: Exchange) -> None:
        """A turn is over: what waits in the queue comes next."""
        await self._note_session()
        self._turn_over()
        if time.monotonic() - self._started_at > LONG_SECONDS:
            self.post_message(self.NeedsAttention("the answer failed" if exchange.failed else "the answer is there"))
        queue = self.queue
        if self._claude_next and (asked := self._last_asked) is not None:
            self._start(asked.question, "cloud", asked.shown)
        elif exchange.failed:
            queue.paused = bool(queue.messages)
            self._give_back(exchange)
        elif queue.messages and not queue.paused:
            self._start(*queue.pop())

    def action_interrupt(self) -> None:
        """Esc: at once. A question that nothing was said to goes back to the prompt."""
        turn, exchange = self._turn, self._exchange
        if turn is None or exchange is None:
            return
        turn.cancel()
        self._claude_next = False
        queue = self.queue
        queue.paused = bool(queue.messages)
        if not exchange.said_something:
            self._withdraw(exchange)
            self._give_back(exchange)
        elif exchange.ended is None:
            exchange.interrupt()
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

    def _give_back(self, exchange: Exchange) -> None:
        """To the prompt. What was to stay on this machine is still to stay there when it is sent again."""
        from shammah_tui.ui import commands

        question = self.prompt.as_shown(exchange.question, exchange.shown)
        self.prompt.take_back(commands.written(question, "local" if exchange.asked == "local" else ""))

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
