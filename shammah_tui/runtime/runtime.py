"""One conversation with whatever answers it, kept on disk as it is said, and what is learned from it."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shammah_tui import paths
from shammah_tui.agent.crisis import country_of, detect, panel
from shammah_tui.agent.draft import Draft, Record
from shammah_tui.agent.instructions import instructions, project_root
from shammah_tui.agent.mention import attach
from shammah_tui.agent.prompt import system_prompt, with_rules
from shammah_tui.backends.router import Request
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import FinishReason, Message
from shammah_tui.errors import HomeError
from shammah_tui.events import BootstrapState, HelpShown, Noticed, Phase, TurnEnded, TurnEvent, TurnFailed
from shammah_tui.feedback.scope import Request as ScopeRequest
from shammah_tui.feedback.scope import for_prompt
from shammah_tui.feedback.scope import request as scope_of
from shammah_tui.journal.ledger import Ledger
from shammah_tui.journal.metric import Exchange, Metrics
from shammah_tui.runtime.journal import Journal
from shammah_tui.runtime.link import Adaptable, Connect, EngineLink
from shammah_tui.runtime.routing import Asked, Routing
from shammah_tui.store.database import Database
from shammah_tui.store.session import SessionStore, StoredSession
from shammah_tui.tools.permission.decision import Mode

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Backend
    from shammah_tui.feedback.service import Feedback, Rated
    from shammah_tui.runtime.adapter_choice import Chosen
    from shammah_tui.runtime.answering import Answering
    from shammah_tui.runtime.calibration import Calibration
    from shammah_tui.runtime.learning import Learning
    from shammah_tui.runtime.own_command import CommandEvent
    from shammah_tui.store.rating import Color, Rating
    from shammah_tui.store.rule import Rule
    from shammah_tui.tools.guard import Guard


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens of the conversation so far, of what the model can read."""

    used_tokens: int
    context_tokens: int


class Runtime:
    """Safe for one turn at a time, and any number of `states()`.

    `model`: what `--model` was given. `attended`: somebody is there to answer questions; otherwise they are denied, and
    nothing is done in the background.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path | None = None,
        model: str | None = None,
        connect: Connect | None = None,
        asked: Asked = "",
        attended: bool = True,
    ) -> None:
        self.settings = settings
        self.folder = folder or Path.cwd()
        self.record = _fresh_record()
        self.link = EngineLink(settings, model, connect)
        self.database = Database(paths.database())
        self.sessions = SessionStore(self.database)
        self.ledger = Ledger(paths.privacy_ledger())
        self.routing = Routing(settings, self.link, self.ledger, asked=asked)
        self.metrics = Metrics(paths.metrics_folder(), enabled=settings.metrics.enabled)
        self._mode = Mode.named(settings.permissions.mode)
        self._attended = attended
        self._guard: Guard | None = None
        self._feedback: Feedback | None = None
        self._learning: Learning | None = None
        self._calibration: Calibration | None = None
        self._help_shown_for = ""
        self._notice = ""
        """What is odd about the project's instructions, until it was told."""

    async def whole(self) -> Runtime:
        """Itself; see `ui.port`."""
        return self

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

    async def warm(self) -> None:
        """Have ready what the first question needs, while nobody waits for it."""
        self.start()
        await self.guard()
        (await self.learning()).start()

    async def close(self) -> None:
        """Let go of the engine, end what runs in the background, and finish what is being written."""
        if self._learning is not None:
            await self._learning.close()
        if self._feedback is not None:
            await self._feedback.close()
        await self.link.close()
        await self.routing.close()
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
            made = await asyncio.to_thread(self._make_guard)
            self._guard = self._guard or made
            self._guard.mode = self._mode
        return self._guard

    def _make_guard(self) -> Guard:
        from shammah_tui.tools.guard import Guard
        from shammah_tui.tools.sandbox.ground import ground_of
        from shammah_tui.tools.sandbox.sandbox import choose
        from shammah_tui.tools.tool import Limits

        sandbox = choose(self.settings.permissions.sandbox, ground_of(self.folder, os.environ))
        return Guard(
            self.folder,
            paths.home(),
            os.environ,
            mode=self._mode,
            attended=self._attended,
            sandbox=sandbox,
            limits=Limits(**self.settings.tools.model_dump()),
        )

    # Learning

    async def feedback(self) -> Feedback:
        """Ratings and rules; in a program with a person at it, its work in the background has begun."""
        if self._feedback is None:
            from shammah_tui.feedback.service import Feedback

            self._feedback = Feedback(
                self.database, self.sessions, local=self._local_backend, claude=self._claude_backend
            )
            if self._attended:
                self._feedback.start()
        return self._feedback

    async def learning(self) -> Learning:
        """Training runs and adapters."""
        if self._learning is None:
            from shammah_tui.runtime.learning import Learning

            self._learning = Learning(self.settings, self.link, await self.feedback(), project_root(self.folder))
        return self._learning

    async def rate(self, turn: int, color: Color, note: str = "", correction: str = "") -> Rated:
        """Rate the answer of a turn of this conversation. Raises ShammahError; nothing was then acknowledged."""
        feedback = await self.feedback()
        return await feedback.rate(self.record.session, turn, color, note, correction, system=self.record.system)

    async def ratings(self) -> dict[int, Rating]:
        """Those of this conversation, by turn. Raises HomeError."""
        return await (await self.feedback()).ratings_of(self.record.session)

    def _local_backend(self) -> Backend | None:
        """The base, whatever adapter answers: what is made of ratings is compared with what it says."""
        if self.state.phase is not Phase.READY:
            return None
        from shammah_tui.wire import NO_ADAPTER

        backend = self.link.backend
        return backend.using(NO_ADAPTER) if isinstance(backend, Adaptable) else backend

    def _claude_backend(self) -> Backend | None:
        """Claude for rewrites, only where the person lets questions go there by themselves."""
        return self.routing.background()

    # The conversation

    def begin_anew(self) -> None:
        """Leave the conversation, which stays on disk; the next question starts another one."""
        self.record = _fresh_record()

    def resume(self, stored: StoredSession) -> None:
        """Go on with a session that was kept."""
        self.record = Record(stored.summary.id, "", stored.entries)

    async def context(self) -> ContextUse | None:
        """How full the model's context is, by its own tokenizer; None while nobody can count. The person's rules count
        as for the last question. Raises EngineError, HomeError."""
        engine = self.link.engine
        if engine is None or self.state.phase is not Phase.READY:
            return None
        await self._complete_system()
        from shammah_tui.tools.specification import ALL

        said = (entry.message for entry in reversed(self.record.entries))
        question = next((message.content for message in said if message.role == "user"), "")
        rules = for_prompt(await self._rules_about(question))
        system, *others = self.record.messages
        with_all = Message("system", with_rules(system.content, [rule.line for rule in rules]))
        report = await engine.tokenize([with_all, *others], ALL)
        return ContextUse(report.tokens, report.context_tokens)

    async def run_command(self, command: str) -> AsyncGenerator[CommandEvent | Noticed, None]:
        """Run a command of the person's own; its output joins the conversation. Closing it ends the command."""
        from shammah_tui.runtime.own_command import OwnCommand

        await self._branch()
        running = OwnCommand(command, (await self.guard()).ground)
        trouble = ""
        try:
            async with aclosing(running.run()) as events:
                async for event in events:
                    yield event
        finally:
            seq = len(self.record.entries)
            self.record = self.record.extended([running.entry])
            writing = self.sessions.write(self.record.session, str(self.folder), seq, [running.entry], seq)
            try:
                await asyncio.shield(asyncio.ensure_future(writing))
            except HomeError as error:
                trouble = error.message
        if trouble:
            yield Noticed(f"This conversation may not be kept for later: {trouble}")

    async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
        """Answer `question`; waits until a model is ready, however long. Closing it interrupts, keeping what was said.

        Files that the person mentions with `@` go with it. `shown` is what they typed, where `question` holds more;
        `asked` sends this one question to the local model or to Claude. Words that tell of danger to the person are
        answered by a panel; sent once more they go to the local model, and nothing of that turn is kept.
        """
        # In a thread: the forms are compiled for the first question.
        private = await asyncio.to_thread(detect, question)
        if private and self._help_shown_for != question:
            self._help_shown_for = question
            yield help_shown()
            return
        branched = "" if private else await self._branch()
        await self._complete_system()
        attached = await asyncio.to_thread(attach, question, self.folder, typed=shown)
        feedback = await self.feedback()
        troubles: list[str] = []
        try:
            rules = await self._rules_about(question)
        except HomeError as error:
            rules = ()
            troubles.append(f"Your rules could not be read: {error.message}")
        shown = shown or (question if attached.files else "")
        draft = Draft(self.record, attached.question, shown=shown, rules=[rule.line for rule in for_prompt(rules)])
        journal = Journal(None if private else self.sessions, str(self.folder), draft)
        feedback.pause()
        reason: FinishReason = "interrupted"
        ended: TurnEnded | None = None
        try:
            await journal.keep()
            for told in (branched, self._notice, *attached.notices, *troubles):
                if told:
                    yield Noticed(told)
            self._notice = ""
            answering = await self._answering(question, rules)
            doubt = "" if troubles or private else await answering.doubt(question)
            request = Request(asked, crisis=private, crisis_seen=private, doubt=doubt)
            async with aclosing(answering.answer(draft, request)) as events:
                async for event in events:
                    await journal.keep()
                    if isinstance(event, TurnFailed):
                        reason = "lost"
                    ended = event if isinstance(event, TurnEnded) else None
                    yield event
        finally:
            if not private:
                self.record = draft.close(reason)
                await asyncio.shield(asyncio.ensure_future(self._keep(journal, draft, ended, rules)))
            feedback.resume()
        for trouble in (journal.trouble, self.database.notice):
            if trouble:
                self.database.notice = ""
                yield Noticed(f"This conversation may not be kept for later: {trouble}")

    async def _keep(self, journal: Journal, draft: Draft, ended: TurnEnded | None, rules: tuple[Rule, ...]) -> None:
        """Write down how the turn went; what cannot be written is the journal's trouble."""
        await journal.close(self.record)
        if ended is None:
            return
        try:
            await self.metrics.record(self._exchange(draft, ended))
            feedback = await self.feedback()
            await feedback.observe(self.record.session, draft.turn, self.record.last_answer, rules)
        except HomeError as error:
            journal.trouble = journal.trouble or error.message

    def _exchange(self, draft: Draft, ended: TurnEnded) -> Exchange:
        from shammah_tui.backends.experience import kind_of
        from shammah_tui.runtime.calibration import signals

        begun = draft.started
        calls = tuple(call.name for entry in draft.entries("stop") for call in entry.message.tool_calls)
        return Exchange(
            draft.question,
            self.record.last_answer,
            begun.route,
            begun.model,
            begun.reason,
            ended.finish_reason,
            ended.usage,
            ended.first_token_seconds,
            ended.total_seconds,
            ended.tokens_per_second,
            self.record.session,
            draft.turn,
            kind=kind_of(draft.question),
            tools=calls,
            adapter=begun.adapter,
            signals=signals(ended),
        )

    async def _answering(self, question: str, rules: tuple[Rule, ...]) -> Answering:
        guard = await self.guard()
        from shammah_tui.runtime.answering import Answering
        from shammah_tui.runtime.calibration import Calibration

        feedback = await self.feedback()
        if self._calibration is None:
            self._calibration = Calibration(self.metrics, feedback.ratings.list)
        curve = self._calibration.curve
        adapters = (await self.learning()).adapter_choice
        asked = self._scope_of(question)

        async def choose() -> Chosen:
            return await adapters.choose(asked)

        def lines(chosen: Chosen | None) -> list[str]:
            return [rule.line for rule in for_prompt(rules, lambda rule: adapters.lacks(chosen, rule))]

        return Answering(self.settings, self.link, self.routing, guard, feedback.ratings.list, curve, choose, lines)

    def _scope_of(self, question: str) -> ScopeRequest:
        said: list[Message] = [entry.message for entry in self.record.entries]
        return scope_of(question, said, folder=str(self.folder))

    async def _rules_about(self, question: str) -> tuple[Rule, ...]:
        """The person's rules that concern a question, most important first."""
        return await (await self.feedback()).rules_about(self._scope_of(question))

    async def _branch(self) -> str:
        """Where another process went on with this session, go on in a copy of what was said here; what to say of it."""
        fresh = uuid.uuid4().hex
        try:
            if not await self.sessions.branch(self.record.session, len(self.record.entries), fresh):
                return ""
        except HomeError:
            # Whoever writes the turn down says so.
            return ""
        self.record = replace(self.record, session=fresh)
        return "Another terminal went on with this conversation, so it goes on here as one of its own."

    async def _complete_system(self) -> None:
        """The system prompt of a conversation that has none yet."""
        if self.record.system:
            return
        found = await asyncio.to_thread(instructions, self.folder)
        system = system_prompt(folder=str(self.folder), instructions=found.text)
        self.record = replace(self.record, system=system)
        self._notice = found.notice


def help_shown() -> HelpShown:
    """The panel for somebody in danger, with the lines of their country first."""
    shown = panel(country_of())
    lines = "\n".join(f"  {line.country}: {line.line}" for line in shown.lines)
    return HelpShown(shown.title, "\n\n".join((shown.text, lines, shown.elsewhere, shown.after)))


def _fresh_record() -> Record:
    return Record(uuid.uuid4().hex, "")
