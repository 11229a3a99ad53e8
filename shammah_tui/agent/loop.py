"""One turn, from a question to the end of its answer, as a generator of events.

route -> stream -> (permit -> tool)* -> end. The caller chooses the route and owns the draft, so that closing this
generator at any point (Esc, a signal) loses nothing that was said. No tool runs yet: none is offered to the model,
and one that it asks for nevertheless is reported and ends the turn.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from shammah_tui.agent.draft import Draft
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.events import TextArrived, ToolRequested, TurnEnded, TurnEvent, TurnStarted

BackendEvent = TextArrived | ToolRequested | TurnEnded


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


@dataclass(frozen=True, slots=True)
class Limits:
    temperature: float
    max_tokens: int


async def turn(
    draft: Draft, route: Route, limits: Limits, *, tools: Sequence[ToolSpec] = ()
) -> AsyncGenerator[TurnEvent, None]:
    """Answer the draft's question; every event is heard by the draft before it is yielded. Raises ShammahError."""
    draft.model, draft.route = route.model, route.name
    yield TurnStarted(route.model, route.name, route.reason)
    answer = route.backend.stream(
        draft.messages,
        tools=tools,
        session=draft.record.session,
        temperature=limits.temperature,
        max_tokens=limits.max_tokens,
    )
    async with aclosing(_closing(answer)) as events:
        async for event in events:
            draft.hear(event)
            yield event


async def _closing(events: AsyncIterator[BackendEvent]) -> AsyncGenerator[BackendEvent, None]:
    """Give any async iterator an `aclose` that reaches the one it wraps, when that has one."""
    try:
        async for event in events:
            yield event
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
