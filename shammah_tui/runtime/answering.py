"""From a question to the end of its answer, whoever gives it: route, turn, and what to do where one of them fails."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from shammah_tui.agent.calls import Calls
from shammah_tui.agent.draft import DOUBTED, Draft
from shammah_tui.agent.loop import Limits, Route, turn
from shammah_tui.backends import experience
from shammah_tui.backends.certainty import Curve, Evidence, declines, is_looping
from shammah_tui.backends.certainty import doubt as doubt_of
from shammah_tui.backends.router import Choice, Local, Reason, Request, Wait
from shammah_tui.backends.router import Claude as ToClaude
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import CloudError, CloudTrouble, ContextOverflow, EngineGone, ShammahError
from shammah_tui.events import CloudOffered, Noticed, TurnEnded, TurnEvent, TurnFailed, TurnStarted, TurnWaiting
from shammah_tui.runtime.adapter_choice import Chosen
from shammah_tui.runtime.calibration import WEIGHTS
from shammah_tui.runtime.link import SEND_AGAIN, Adaptable, EngineLink
from shammah_tui.runtime.routing import Routing
from shammah_tui.store.rating import Rating
from shammah_tui.tools.guard import Guard
from shammah_tui.tools.specification import ALL
from shammah_tui.wire import NO_ADAPTER

# What a chat template puts around a message or a tool, in tokens, at most.
_TEMPLATE_TOKENS_MAX = 100
CLOUD_HINT = "Claude could answer: /cloud sends it there."


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers one question after the other. `rated`: the person's ratings so far, for the router."""

    settings: Settings
    link: EngineLink
    routing: Routing
    guard: Guard
    rated: Callable[[], Awaitable[Sequence[Rating]]]
    curve: Callable[[str], Awaitable[Curve]]
    """How sure a model has to be, by its name; see `calibration`."""
    adapter: Callable[[], Awaitable[Chosen]]
    """Which adapter answers the question."""
    rules: Callable[[Chosen | None], Sequence[str]]
    """The lines for the prompt where this adapter answers; None is somebody who has learned none of them."""

    async def answer(self, draft: Draft, request: Request) -> AsyncGenerator[TurnEvent, None]:
        """The whole turn; whatever goes wrong is the last event, and `draft` has heard the rest.

        An engine that goes away is started again; when nothing was said yet the question is sent again, once. So is
        one that Claude, chosen by itself, did not answer: it then waits for the local model.
        """
        retried = False
        try:
            while True:
                choice: Choice | None = None
                async with aclosing(self.routing.decide(request)) as deciding:
                    async for found in deciding:
                        if isinstance(found, TurnWaiting):
                            yield found
                        else:
                            choice = found
                assert choice is not None
                if notice := self.link.take_notice():
                    yield Noticed(notice)
                if isinstance(choice, Wait):
                    yield self._no_way(choice, request)
                    return
                try:
                    async with aclosing(self._turn(draft, choice, request)) as events:
                        async for event in events:
                            yield event
                            if isinstance(event, TurnStarted) and isinstance(choice, Local) and choice.offers_claude:
                                yield CloudOffered(choice.text)
                    return
                except EngineGone as error:
                    await self.link.reconnect()
                    if draft.said_something or retried:
                        yield TurnFailed(error.message, error.hint or SEND_AGAIN, error.exit_code)
                        return
                    retried = True
                except ContextOverflow as error:
                    longer = replace(request, tokens=error.prompt_tokens)
                    if draft.said_something or not isinstance(await self.routing.choice(longer), ToClaude):
                        raise
                    request = longer
                except CloudError as error:
                    self.routing.failed(error)
                    if error.trouble is CloudTrouble.REFUSED:
                        draft.withdraw()
                        raise
                    if draft.said_something or "cloud" in (request.asked, self.routing.asked):
                        raise
                    yield Noticed(f"Claude gave no answer: {error.message}")
        except ShammahError as error:
            yield TurnFailed(error.message, error.hint, error.exit_code)

    def _no_way(self, choice: Wait, request: Request) -> TurnFailed:
        """Why nobody answers. Where that is for want of a model, the engine knows more of it than the router."""
        message, hint = choice.text, choice.hint
        if "cloud" not in (request.asked, self.routing.asked) and choice.reason is not Reason.CRISIS:
            message, hint = self.link.state.reason or message, self.link.state.hint or hint
        if choice.offers_claude:
            hint = f"{hint} {CLOUD_HINT}".lstrip()
        return TurnFailed(message, hint)

    async def doubt(self, question: str) -> str:
        """Why the local model would likely fail, by the person's ratings of such tasks; empty where nothing tells."""
        kind = experience.kind_of(question)
        tallies = {"local": experience.Tally(), "claude": experience.Tally()}
        for rating in await self.rated():
            shot = rating.snapshot
            if shot.route in tallies and experience.kind_of(shot.question) == kind:
                tally, weight = tallies[shot.route], WEIGHTS[rating.color]
                good, bad = (weight, 0.0) if rating.color == "green" else (0.0, weight)
                tallies[shot.route] = experience.Tally(tally.good + good, tally.bad + bad)
        return experience.doubt(kind, tallies["local"], tallies["claude"], random.Random())

    async def _turn(self, draft: Draft, choice: Local | ToClaude, request: Request) -> AsyncGenerator[TurnEvent, None]:
        adapter = None if isinstance(choice, ToClaude) else await self.adapter()
        draft.rules = tuple(self.rules(adapter))
        route = await self._route(choice, adapter)
        model, to_claude = self.settings.model, route.name == "claude"
        max_tokens = self.settings.claude.max_tokens if to_claude else model.max_tokens
        limits = Limits(model.temperature, max_tokens, self.settings.agent.steps)
        running = turn(draft, route, limits, tools=ALL, calls=Calls(self.guard, draft))
        async with aclosing(running) as events:
            async for event in events:
                if isinstance(event, TurnEnded):
                    if to_claude:
                        self.routing.answered()
                        yield event
                        return
                    async with aclosing(self._doubted(draft, event, request)) as further:
                        async for told in further:
                            yield told
                    return
                yield event

    async def _doubted(self, draft: Draft, ended: TurnEnded, request: Request) -> AsyncGenerator[TurnEvent, None]:
        """What comes at the end of a local answer: where it is doubted, Claude's below it, or the offer of one.

        A Claude that fails, chosen by itself, leaves the local answer as it was.
        """
        shown = evidence(draft, ended)
        doubt = doubt_of(shown, await self.curve(draft.started.model))
        choice = await self.routing.choice(replace(request, doubt=doubt, declined=shown.declined)) if doubt else None
        if not isinstance(choice, ToClaude):
            if isinstance(choice, Local) and choice.offers_claude:
                yield CloudOffered(doubt)
            yield ended
            return
        begun = draft.started
        yield Noticed(DOUBTED.format(doubt=doubt))
        draft.ask_again(doubt)
        try:
            async with aclosing(self._turn(draft, choice, request)) as events:
                async for event in events:
                    yield event
        except CloudError as error:
            self.routing.failed(error)
            draft.withdraw()
            draft.hear(begun)
            yield Noticed(f"Claude gave no answer: {error.message}")
            yield begun
            yield ended

    async def _route(self, choice: Local | ToClaude, adapter: Chosen | None) -> Route:
        reason = choice.reason.value if choice.reason else ""
        if isinstance(choice, ToClaude):
            claude = await self.routing.claude()
            return Route(claude.backend(reason), choice.model, "claude", reason)
        backend = self.link.backend
        if backend is None:
            raise EngineGone("The engine went away.")
        name, why = (adapter.name, adapter.why) if adapter is not None else ("", "")
        if adapter is not None and adapter.by != "active" and isinstance(backend, Adaptable):
            backend = backend.using(name or NO_ADAPTER)
        return Route(backend, choice.model, "local", reason, name, why, self._count)

    async def _count(self, messages: Sequence[Message]) -> tuple[int, int]:
        """See `budget.Count`. No token is shorter than a byte, so that a short conversation needs no counting."""
        model, engine = self.link.state.model, self.link.engine
        context = model.context_tokens if model else 0
        bytes_max = prompt_bytes(messages, ALL)
        if bytes_max < context // 2:
            return bytes_max, context
        if engine is None:
            raise EngineGone("The engine went away.")
        report = await engine.tokenize(messages, ALL)
        return report.tokens, report.context_tokens


def prompt_bytes(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """More than the prompt can have in tokens."""
    said = sum(len(message.content.encode("utf-8", "replace")) + _TEMPLATE_TOKENS_MAX for message in messages)
    called = sum(len(call.arguments) + _TEMPLATE_TOKENS_MAX for message in messages for call in message.tool_calls)
    offered = sum(len(str(tool.parameters)) + len(tool.description) + _TEMPLATE_TOKENS_MAX for tool in tools)
    return said + called + offered


def evidence(draft: Draft, ended: TurnEnded) -> Evidence:
    """What the answer shows of its own worth: how sure it began, loops, calls that cannot be read, tools that fail."""
    entries = draft.entries("stop")
    text = next((entry.message.content for entry in reversed(entries) if entry.message.role == "assistant"), "")
    calls = [call for entry in entries for call in entry.message.tool_calls]
    failures = 0
    for entry in reversed(entries):
        if entry.message.role == "tool":
            if not entry.message.failed:
                break
            failures += 1
    return Evidence(
        ended.mean_logprob,
        ended.mean_entropy,
        declined=declines(text),
        is_looping=is_looping(text),
        malformed_calls=sum(not _is_object(call.arguments) for call in calls),
        tool_failures=failures,
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
