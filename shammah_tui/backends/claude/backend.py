"""Claude as a backend: one streamed answer by Anthropic's own library, tried again while the API is busy.

    claude = Claude(settings, ledger)
    async for event in claude.backend("UserAsked").stream(messages, tools=…, session=…, …):
        ...
    await claude.close()

The library is imported on first use, or by `warm`, in a thread: it takes more than a second. Temperature is not sent:
the API's newer models refuse it, and its library has no parameter for it any more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shammah_tui.backends.claude import trouble
from shammah_tui.backends.claude.form import request_of
from shammah_tui.backends.claude.key import Key, find_key
from shammah_tui.backends.claude.model import ClaudeModel, find
from shammah_tui.backends.claude.reading import AnswerEvent, Reading
from shammah_tui.backends.claude.transfer import Transfer, address, build, sending, understood
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import CloudError, CloudTrouble, HomeError, ShammahError
from shammah_tui.events import TurnWaiting
from shammah_tui.journal.ledger import Departure, Ledger

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 8.0
# Whoever is told to come back later than this is told so, and not kept waiting.
RETRY_AFTER_SECONDS_MAX = 60.0
# Where the way itself is broken, or every try takes minutes, one more is enough.
SLOW = frozenset({CloudTrouble.UNREACHABLE, CloudTrouble.TIMED_OUT})

BackendEvent = AnswerEvent | TurnWaiting


class Claude:
    """The connection to the API. Building it costs nothing; raises CloudError where the settings forbid to send."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        if settings.offline:
            raise trouble.offline()
        if settings.router.cloud == "never":
            raise trouble.forbidden()
        self.settings = settings.claude
        self.model: ClaudeModel = find(settings.claude.model)
        self.ledger = ledger
        self.thinking_from: dict[str, int] = {}
        """For each session up to which message the API refuses the thinking, because the conversation was changed."""
        self._all = settings
        self._key: Key | None = None
        self._client: AsyncAnthropic | None = None
        self._building = asyncio.Lock()

    async def has_key(self) -> bool:
        """Whether a key is there, in the settings, the environment or the keyring."""
        self._key = self._key or await find_key(self._all)
        return self._key is not None

    @property
    def key_source(self) -> str:
        """Where the key comes from, in words; empty until `has_key` found one."""
        return self._key.source if self._key else ""

    async def warm(self) -> None:
        """Import the library and build the client, so that the first answer comes sooner. Sends nothing.

        Raises CloudError where there is no key, ConfigError where the address cannot be used.
        """
        await self.client()

    async def client(self) -> AsyncAnthropic:
        """Raises as `warm` does."""
        async with self._building:
            if self._client is None:
                if not await self.has_key() or self._key is None:
                    raise trouble.key_missing()
                url = address(self.settings.base_url)
                self._client = await asyncio.to_thread(
                    build, self._key.value, url, self.settings.timeout_seconds, self.ledger
                )
            return self._client

    def backend(self, why: str) -> ClaudeBackend:
        """Claude for one turn. `why`: the router's reason, for the ledger."""
        return ClaudeBackend(self, why)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


class ClaudeBackend:
    """See `agent.loop.Backend`; besides, `TurnWaiting` tells of each wait before another try."""

    def __init__(self, claude: Claude, why: str) -> None:
        self._claude = claude
        self._why = why

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncGenerator[BackendEvent, None]:
        """One answer, `TurnEnded` last. Closing it closes the connection, which ends the generation.

        Raises CloudError, ContextOverflow, ConfigError (the address), HomeError (no ledger: nothing was sent then).
        """
        settings, model = self._claude.settings, self._claude.model
        limit = min(max_tokens, model.output_tokens or max_tokens)
        thinking_from = self._claude.thinking_from.get(session, 0)
        body = request_of(messages, tools, settings, model, limit, thinking_from=thinking_from)
        departure = _departure(messages, tools, session, model.id, self._why)
        tried = 0
        while True:
            reading = Reading(model, limit)
            try:
                async with aclosing(self._attempt(body, reading, departure)) as events:
                    async for event in events:
                        yield event
                return
            except ShammahError as error:
                if reading.said_something:
                    raise
                if trouble.is_about_thinking(error) and _carries_thinking(body):
                    self._claude.thinking_from[session] = len(messages)
                    body = request_of(messages, tools, settings, model, limit, thinking_from=len(messages))
                    continue
                tries = _tries(error, settings.retries)
                if tried >= tries:
                    raise
                seconds = _pause_seconds(error, tried)
                tried += 1
                yield TurnWaiting(f"{error.message} Trying again in {max(1, round(seconds))} s ({tried} of {tries}).")
                await asyncio.sleep(seconds)

    async def _attempt(
        self, body: dict[str, Any], reading: Reading, departure: Departure
    ) -> AsyncGenerator[AnswerEvent, None]:
        client = await self._claude.client()
        transfer = Transfer(departure)
        outcome = "interrupted"
        try:
            with understood(reading, client, departure.model, self._claude.key_source):
                with sending(transfer):
                    stream = await client.messages.create(**body, stream=True)
                async with stream:
                    async for event in stream:
                        transfer.received_bytes = stream.response.num_bytes_downloaded
                        for heard in reading.read(event):
                            yield heard
                ended = reading.finish()
            outcome = "answered"
        except ShammahError as error:
            outcome = f"failed: {error.message}"
            raise
        finally:
            problem = await self._close_ledger(transfer, outcome, reading)
        yield replace(ended, notice=" ".join(filter(None, (ended.notice, problem))))

    async def _close_ledger(self, transfer: Transfer, outcome: str, reading: Reading) -> str:
        """Why the end could not be written; the ledger then lists it as unknown, which is true."""
        if not transfer.name:
            return ""
        try:
            await self._claude.ledger.end(
                transfer.name,
                outcome,
                received_bytes=transfer.received_bytes,
                tokens=reading.usage.prompt_tokens + reading.usage.completion_tokens,
                cost_usd=reading.usage.cost_usd,
            )
        except HomeError as error:
            return f"The ledger of what was sent lacks the end of this answer: {error.message}"
        return ""


def _departure(messages: Sequence[Message], tools: Sequence[ToolSpec], session: str, model: str, why: str) -> Departure:
    questions = [message.content for message in messages if message.role == "user"]
    contents = {
        "messages": sum(message.role != "system" for message in messages),
        "characters": sum(len(message.content) for message in messages),
        "tools": len(tools),
    }
    question = questions[-1] if questions else ""
    return Departure("", why, 0, session, len(questions), model, question, contents)


def _carries_thinking(body: dict[str, Any]) -> bool:
    return any(
        block["type"] in ("thinking", "redacted_thinking") for turn in body["messages"] for block in turn["content"]
    )


def _tries(error: ShammahError, most: int) -> int:
    """How often to try again after `error`."""
    if not isinstance(error, CloudError) or not error.trouble.may_pass:
        return 0
    if (error.retry_after_seconds or 0.0) > RETRY_AFTER_SECONDS_MAX:
        return 0
    return min(1, most) if error.trouble in SLOW else most


def _pause_seconds(error: ShammahError, tried: int) -> float:
    """What the API asked for, else twice as long each time, with some chance in it so that clients spread."""
    if isinstance(error, CloudError) and error.retry_after_seconds is not None:
        return error.retry_after_seconds
    return min(BACKOFF_SECONDS * 2.0**tried, BACKOFF_SECONDS_MAX) * random.uniform(0.75, 1.0)
