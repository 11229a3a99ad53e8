"""One answer of a backend as text, and the forms in which it is asked again. The demo model knows these wordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from shammah_tui.agent.prompt import with_rules
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.events import TextArrived, TurnEnded

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Backend, BackendEvent

ANSWER_AGAIN = "Note on your answer: {note}\nAnswer again."
NAME_RULE = "Note on your answer: {note}\nName the rule in one line."
# The engine keeps what it computed of a prompt under this name, apart from the person's own conversations.
SESSION = "shammah-feedback"


class Patient:
    """A backend that asks only while `free` is set. What was being asked when it no longer was is asked again, so that
    the events of an answer come all at its end."""

    def __init__(self, backend: Backend, free: asyncio.Event) -> None:
        self._backend = backend
        self._free = free

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncGenerator[BackendEvent, None]:
        """See `agent.loop.Backend`."""
        heard: list[BackendEvent] | None = None
        while heard is None:
            await self._free.wait()
            asked = self._backend.stream(
                messages, tools=tools, session=session, temperature=temperature, max_tokens=max_tokens
            )
            heard = await self._whole(asked)
        for event in heard:
            yield event

    async def _whole(self, asked: AsyncIterator[BackendEvent]) -> list[BackendEvent] | None:
        """None where it has to be asked again."""
        heard: list[BackendEvent] = []
        async with aclosing(_closing(asked)) as events:
            async for event in events:
                heard.append(event)
                if not self._free.is_set():
                    return None
        return heard


async def answer(backend: Backend, messages: Sequence[Message], *, temperature: float, max_tokens: int) -> str:
    """What it says; empty where it did not come to an end of itself. Raises ShammahError."""
    parts: list[str] = []
    whole = False
    stream = backend.stream(messages, tools=(), session=SESSION, temperature=temperature, max_tokens=max_tokens)
    async with aclosing(_closing(stream)) as events:
        async for event in events:
            match event:
                case TextArrived(text):
                    parts.append(text)
                case TurnEnded():
                    whole = event.finish_reason == "stop"
                case _:
                    pass
    return "".join(parts) if whole else ""


def with_rule(system: str, messages: Sequence[Message], line: str) -> tuple[Message, ...]:
    """The prompt as a person's next question would be sent, with this one rule."""
    return (Message("system", with_rules(system, (line,))), *messages)


def with_note(system: str, messages: Sequence[Message], said: str, note: str, form: str) -> tuple[Message, ...]:
    """The prompt, the answer that was given to it, and the person's note on it in one of the forms above."""
    return (
        Message("system", system),
        *messages,
        Message("assistant", said),
        Message("user", form.format(note=note)),
    )


async def _closing(events: AsyncIterator[BackendEvent]) -> AsyncGenerator[BackendEvent, None]:
    try:
        async for event in events:
            yield event
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
