"""One conversation with whatever answers it, kept on disk as it is said."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shammah_tui import paths
from shammah_tui.agent.draft import Draft, Record
from shammah_tui.agent.instructions import instructions
from shammah_tui.agent.mention import attach
from shammah_tui.agent.prompt import system_prompt
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import FinishReason, Message, ToolSpec
from shammah_tui.errors import EngineGone, ShammahError
from shammah_tui.events import BootstrapState, Noticed, Phase, TurnEvent, TurnFailed
from shammah_tui.runtime.journal import Journal
from shammah_tui.runtime.link import SEND_AGAIN, Connect, EngineLink
from shammah_tui.store.database import Database
from shammah_tui.store.session import SessionStore, StoredSession
from shammah_tui.tools.permission.decision import Mode

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Limits, Route
    from shammah_tui.runtime.own_command import CommandEvent
    from shammah_tui.tools.guard import Guard


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens of the conversation so far, of what the model can read."""

    used_tokens: int
    context_tokens: int


class Runtime:
    """Safe for one turn at a time, and any number of `states()`.

    `model`: what `--model` was given. `attended`: somebody is there to answer questions; otherwise they are denied.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path | None = None,
        model: str | None = None,
        connect: Connect | None = None,
        mode: Mode = Mode.ASK,
        attended: bool = True,
    ) -> None:
        self.settings = settings
        self.folder = folder or Path.cwd()
        self.record = _fresh_record()
        self.link = EngineLink(settings, model, connect)
        self.database = Database(paths.database())
        self.sessions = SessionStore(self.database)
        self._mode = mode
        self._attended = attended
        self._guard: Guard | None = None

    # The engine and its state

    @property
    def state(self) -> BootstrapState:
        return self.link.state

    def start(self) -> None:
        """See `EngineLink.start`."""
        self.link.start()

    def states(self) -> AsyncGenerator[BootstrapState, None]:
        """See `EngineLink.states`."""
        return self.link.states()

    async def retry(self) -> None:
        """See `EngineLink.retry`."""
        await self.link.retry()

    async def switch_model(self, model: str) -> None:
        """See `EngineLink.switch_model`."""
        await self.link.switch_model(model)

    def remember(self, key: str, value: str) -> None:
        """Keep a setting for later sessions, in the config file. Raises ConfigError, HomeError."""
        from shammah_tui.config.document import set_value

        set_value(key, value)

    async def close(self) -> None:
        """Let go of the engine, end what runs in the background, and finish what is being written."""
        await self.link.close()
        if self._guard is not None:
            await self._guard.close()
        await asyncio.to_thread(self.database.close)

    # Permissions

    @property
    def mode(self) -> Mode:
        """How tool calls are judged: what Shift+Tab goes through."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        if self._guard is not None:
            self._guard.mode = mode

    async def guard(self) -> Guard:
        """The one that judges and runs this session's tool calls. Its parsers take a moment: made at the first need."""
        if self._guard is None:
            self._guard = await asyncio.to_thread(self._make_guard)
            self._guard.mode = self._mode
        return self._guard

    def _make_guard(self) -> Guard:
        from shammah_tui.tools.guard import Guard
        from shammah_tui.tools.sandbox.ground import ground_of
        from shammah_tui.tools.sandbox.sandbox import choose

        sandbox = choose(self.settings.permissions.sandbox, ground_of(self.folder, os.environ))
        return Guard(self.folder, paths.home(), os.environ, mode=self._mode, attended=self._attended, sandbox=sandbox)

    async def warm(self) -> None:
        """Have ready what the first question needs, while nobody waits for it."""
        self.start()
        await self.guard()

    # The conversation

    def begin_anew(self) -> None:
        """Leave the conversation, which stays on disk; the next question starts another one."""
        self.record = _fresh_record()

    def resume(self, stored: StoredSession) -> None:
        """Go on with a session that was kept."""
        self.record = Record(stored.summary.id, "", stored.entries)

    async def context(self) -> ContextUse | None:
        """How full the model's context is, by its own tokenizer; None while nobody can count. Raises EngineError."""
        engine = self.link.engine
        if engine is None or self.state.phase is not Phase.READY:
            return None
        await self._complete_system()
        report = await engine.tokenize(self.record.messages, await self._tools())
        return ContextUse(report.tokens, report.context_tokens)

    async def run_command(self, command: str) -> AsyncGenerator[CommandEvent, None]:
        """Run a command of the person's own; its output joins the conversation. Closing it ends the command."""
        from shammah_tui.runtime.own_command import OwnCommand

        running = OwnCommand(command, (await self.guard()).ground)
        try:
            async with aclosing(running.run()) as events:
                async for event in events:
                    yield event
        finally:
            seq = len(self.record.entries)
            self.record = self.record.extended([running.entry])
            writing = self.sessions.write(self.record.session, str(self.folder), seq, [running.entry], seq)
            await asyncio.shield(asyncio.ensure_future(writing))

    async def ask(self, question: str, *, shown: str = "") -> AsyncGenerator[TurnEvent, None]:
        """Answer `question`; waits until a model is ready, however long. Closing it interrupts, keeping what was said.

        Files that it mentions with `@` go with it. `shown` is what the person typed, where `question` holds more.
        An engine that goes away is started again; when nothing was said yet the question is sent again, once.
        """
        notice = await self._complete_system()
        attached = await asyncio.to_thread(attach, question, self.folder)
        shown = shown or (question if attached.files else "")
        draft = Draft(self.record, attached.question, shown=shown)
        journal = Journal(self.sessions, str(self.folder), draft)
        reason: FinishReason = "interrupted"
        try:
            await journal.keep()
            for told in (notice, *attached.notices):
                if told:
                    yield Noticed(told)
            async with aclosing(self._answer(draft)) as events:
                async for event in events:
                    await journal.keep()
                    yield event
                    if isinstance(event, TurnFailed):
                        reason = "lost"
        finally:
            self.record = draft.close(reason)
            await asyncio.shield(journal.close(self.record))
        for trouble in (journal.trouble, self.database.notice):
            if trouble:
                self.database.notice = ""
                yield Noticed(f"This conversation may not be kept for later: {trouble}")

    async def _answer(self, draft: Draft) -> AsyncGenerator[TurnEvent, None]:
        """The turn itself; whatever goes wrong is the last event."""
        from shammah_tui.agent.calls import Calls
        from shammah_tui.agent.loop import turn

        retried = False
        try:
            while True:
                async with aclosing(self.link.until_settled()) as waits:
                    async for waiting in waits:
                        yield waiting
                route = self._route()
                if route is None:
                    yield TurnFailed(self.state.reason or "No model is available.", self.state.hint)
                    return
                calls = Calls(await self.guard(), draft)
                try:
                    running = turn(draft, route, self._limits, tools=await self._tools(), calls=calls)
                    async with aclosing(running) as events:
                        async for event in events:
                            yield event
                    return
                except EngineGone as error:
                    await self.link.reconnect()
                    if draft.said_something or retried:
                        yield TurnFailed(error.message, error.hint or SEND_AGAIN, error.exit_code)
                        return
                    retried = True
        except ShammahError as error:
            yield TurnFailed(error.message, error.hint, error.exit_code)

    @property
    def _limits(self) -> Limits:
        from shammah_tui.agent.loop import Limits

        return Limits(self.settings.model.temperature, self.settings.model.max_tokens, self.settings.agent.steps)

    async def _tools(self) -> Sequence[ToolSpec]:
        """What is offered to the model."""
        await self.guard()
        from shammah_tui.tools.specification import ALL

        return ALL

    async def _complete_system(self) -> str:
        """The system prompt of a conversation that has none yet; what the person should know of it."""
        if self.record.system:
            return ""
        found = await asyncio.to_thread(instructions, self.folder)
        system = system_prompt(folder=str(self.folder), instructions=found.text)
        self.record = replace(self.record, system=system)
        return found.notice

    def _route(self) -> Route | None:
        """Who takes the next question. The local model, while there is no other."""
        from shammah_tui.agent.loop import Route

        backend = self.link.backend
        if backend is None or self.state.phase is not Phase.READY:
            return None
        name = self.state.model.name if self.state.model else ""
        return Route(backend, name, "local", count=self._count)

    async def _count(self, messages: Sequence[Message]) -> tuple[int, int]:
        """See `budget.Count`. No token is shorter than a byte, so that a short conversation needs no counting."""
        tools = await self._tools()
        context = self.state.model.context_tokens if self.state.model else 0
        bytes_max = sum(len(message.content.encode()) + _TEMPLATE_TOKENS_MAX for message in messages)
        bytes_max += sum(len(str(tool.parameters)) + len(tool.description) + _TEMPLATE_TOKENS_MAX for tool in tools)
        if bytes_max < context // 2:
            return bytes_max, context
        engine = self.link.engine
        if engine is None:
            raise EngineGone("The engine went away.")
        report = await engine.tokenize(messages, tools)
        return report.tokens, report.context_tokens


# What a chat template puts around a message or a tool, in tokens, at most.
_TEMPLATE_TOKENS_MAX = 100


def _fresh_record() -> Record:
    return Record(uuid.uuid4().hex, "")
