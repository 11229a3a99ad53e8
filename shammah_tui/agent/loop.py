"""One turn, from a question to the end of its answer, as a generator of events.

route -> stream -> (permit -> tool)* -> end. The caller chooses the route and owns the draft, so that closing this
generator at any point (Esc, a signal) loses nothing that was said, and stops the model and the tools at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from shammah_tui.agent.budget import Count, fit
from shammah_tui.agent.calls import Calls
from shammah_tui.agent.draft import Draft
from shammah_tui.agent.validity import valid
from shammah_tui.conversation import Message, ToolSpec, Usage
from shammah_tui.events import (
    Noticed,
    RestartWanted,
    StepEnded,
    TextArrived,
    ThinkingArrived,
    ToolRequested,
    TurnEnded,
    TurnEvent,
    TurnStarted,
    TurnWaiting,
)

BackendEvent = TextArrived | ThinkingArrived | ToolRequested | TurnEnded | TurnWaiting

STUCK = "Not run: the same call had the same outcome again and again, so this turn ends here."
STUCK_NOTICE = "Ended: {name} was called again and again with the same outcome."
TOO_MANY = "Not run: this turn has reached its limit of {steps} steps."
TOO_MANY_NOTICE = "Ended after {steps} steps, the limit that is set (agent.steps). Say “go on” to go on."


class Backend(Protocol):
    """Whoever answers. Closing the iterator stops the generation at once.

    Raises ShammahError: `EngineGone` where it went away in the middle, `ContextOverflow`, `EngineBusy`.
    """

    def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncIterator[BackendEvent]: ...


@dataclass(frozen=True, slots=True)
class Route:
    """The backend that takes this turn, and why it does."""

    backend: Backend
    model: str
    name: str
    """ "local" or "claude"."""
    reason: str = ""
    adapter: str = ""
    adapter_why: str = ""
    count: Count | None = None
    """Counts the tokens of a conversation with the tools that are offered; None where nobody can."""


@dataclass(frozen=True, slots=True)
class Limits:
    temperature: float
    max_tokens: int
    steps: int = 50


async def turn(
    draft: Draft, route: Route, limits: Limits, *, tools: Sequence[ToolSpec] = (), calls: Calls | None = None
) -> AsyncGenerator[TurnEvent, None]:
    """Answer the draft's question; every event is heard by the draft before it is yielded. Raises ShammahError.

    `tools` are offered to the model; `calls` runs what it asks for. Without `calls` a request for a tool ends the turn.
    """
    started = TurnStarted(route.model, route.name, route.reason, draft.turn, route.adapter, route.adapter_why)
    draft.hear(started)
    yield started
    total: TurnEnded | None = None
    repaired: tuple[str, ...] = ()
    for step in range(1, limits.steps + 1):
        found = valid(draft.messages)
        if found.repairs and found.repairs != repaired:
            repaired = found.repairs
            yield Noticed(f"The conversation was repaired before it was sent: {'; '.join(repaired)}.")
        messages = found.messages
        if route.count is not None:
            fitted = await fit(messages, route.count, answer_tokens=limits.max_tokens)
            messages = fitted.messages
            if fitted.notice:
                yield Noticed(fitted.notice)
        ended = TurnEnded("stop")
        answer = route.backend.stream(
            messages,
            tools=tools,
            session=draft.record.session,
            temperature=limits.temperature,
            max_tokens=limits.max_tokens,
        )
        async with aclosing(_closing(answer)) as events:
            async for event in events:
                draft.hear(event)
                if isinstance(event, TurnEnded):
                    ended = event
                else:
                    yield event
        total = _sum(total, ended)
        if calls is None or not draft.calls:
            yield total
            return
        yield StepEnded(ended.usage, ended.tokens_per_second)
        reason, notice = "", ""
        if calls.stuck is not None:
            reason, notice = STUCK, STUCK_NOTICE.format(name=calls.stuck.name)
        elif step == limits.steps:
            reason, notice = TOO_MANY.format(steps=step), TOO_MANY_NOTICE.format(steps=step)
        running = calls.refuse(draft.calls, reason) if reason else calls.run(draft.calls)
        async with aclosing(running) as outcomes:
            async for outcome in outcomes:
                yield outcome
        if calls.restart:
            yield RestartWanted(calls.restart)
        if reason or calls.restart:
            yield replace(total, finish_reason="stop", notice=notice)
            return


def _sum(before: TurnEnded | None, ended: TurnEnded) -> TurnEnded:
    """A turn of several requests as one: tokens and costs added up, the speed that of the last."""
    if before is None:
        return ended
    one, two = before.usage, ended.usage
    costs = [cost for cost in (one.cost_usd, two.cost_usd) if cost is not None]
    usage = Usage(
        one.prompt_tokens + two.prompt_tokens,
        one.completion_tokens + two.completion_tokens,
        one.cached_tokens + two.cached_tokens,
        one.cache_write_tokens + two.cache_write_tokens,
        sum(costs) if costs else None,
    )
    return replace(
        ended,
        usage=usage,
        first_token_seconds=before.first_token_seconds,
        total_seconds=before.total_seconds + ended.total_seconds,
        tokens_per_second=ended.tokens_per_second or before.tokens_per_second,
    )


async def _closing(events: AsyncIterator[BackendEvent]) -> AsyncGenerator[BackendEvent, None]:
    """Give any async iterator an `aclose` that reaches the one it wraps, when that has one."""
    try:
        async for event in events:
            yield event
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
