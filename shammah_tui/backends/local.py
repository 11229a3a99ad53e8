"""A model behind an OpenAI-compatible server: our own engine, llama-server, Ollama, vLLM; only the URL differs."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import httpx2

from shammah_tui.backends.api_error import connection_errors, from_body, raise_for_status
from shammah_tui.backends.certainty import FIRST_TOKENS
from shammah_tui.backends.form import messages_as_openai, tools_as_openai
from shammah_tui.backends.sse import data_of
from shammah_tui.conversation import FinishReason, Message, ToolCall, ToolSpec, Usage
from shammah_tui.errors import EngineError, EngineGone
from shammah_tui.events import TextArrived, ToolRequested, TurnEnded
from shammah_tui.wire import HEADER_ADAPTER, HEADER_SESSION, HEADER_WAIT, NO_ADAPTER

# The engine may be exchanging its model just then; whoever asks has seen it ready a moment ago.
WAIT_SECONDS = 60
_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}

BackendEvent = TextArrived | ToolRequested | TurnEnded


class Connection(Protocol):
    """`EngineClient`, or whatever else holds an HTTP client with a base URL."""

    @property
    def http(self) -> httpx2.AsyncClient: ...


class LocalBackend:
    """Answers come from `connection`; `model` is what the server calls it, where that matters.

    `certainty`: whether to ask how sure the model was of its first tokens, which costs some time at each of them.
    """

    def __init__(
        self, connection: Connection, *, model: str = "default", certainty: bool = False, adapter: str = ""
    ) -> None:
        self._connection = connection
        self._model = model
        self._certainty = certainty
        self._adapter = adapter

    def using(self, adapter: str) -> LocalBackend:
        """The same with another adapter: a name, NAME@SCALE, "none"; empty is the one that is active there."""
        return LocalBackend(self._connection, model=self._model, certainty=self._certainty, adapter=adapter)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncGenerator[BackendEvent, None]:
        """One answer, `TurnEnded` last. Closing it stops the generation.

        Raises EngineGone (never reached, or lost in the middle), EngineBusy, ContextOverflow, RequestError,
        EngineError.
        """
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages_as_openai(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": temperature,
            "max_tokens": max_tokens,
        }
        if self._certainty:
            body["logprobs"] = True
        if tools:
            body["tools"] = tools_as_openai(tools)
        headers = {HEADER_SESSION: session, HEADER_WAIT: str(WAIT_SECONDS)}
        if self._adapter:
            headers[HEADER_ADAPTER] = self._adapter
        reading = _Reading()
        with connection_errors():
            request = self._connection.http.stream("POST", "/v1/chat/completions", json=body, headers=headers)
            async with request as response:
                await raise_for_status(response)
                made_by = response.headers.get(HEADER_ADAPTER, NO_ADAPTER)
                reading.adapter = "" if made_by == NO_ADAPTER else made_by
                async for data in data_of(response.aiter_bytes()):
                    if data == "[DONE]":
                        break
                    for event in reading.read(data):
                        yield event
        for event in reading.finish():
            yield event


class _Reading:
    """Chunks of one answer as events. A call is told once it is complete: when the next begins, or at the end."""

    def __init__(self) -> None:
        self.adapter = ""
        self._began = time.perf_counter()
        self._first = 0.0
        self._ids: list[str] = []
        self._names: list[str] = []
        self._arguments: list[list[str]] = []
        self._told = 0
        self._reason: FinishReason | None = None
        self._usage = Usage()
        self._tokens_per_second = 0.0
        self._logprobs: list[float] = []
        self._entropies: list[float] = []

    def read(self, data: str) -> list[BackendEvent]:
        """Raises the error that a server sends in place of a chunk, and EngineError where it is no chunk."""
        try:
            chunk = json.loads(data)
            if "error" in chunk:
                raise from_body(chunk, _status(chunk["error"]))
            return self._read(chunk)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise EngineError("The engine's answer could not be understood.") from error

    def finish(self) -> list[BackendEvent]:
        """Raises EngineGone where the server never said that the answer is over."""
        if self._reason is None:
            raise EngineGone("The answer broke off in the middle.", "The question can be sent again.")
        now = time.perf_counter()
        events = self._complete(len(self._names))
        first = self._first or now
        speed = self._tokens_per_second
        if not speed and self._usage.completion_tokens > 1 and now > first:
            speed = (self._usage.completion_tokens - 1) / (now - first)
        ended = TurnEnded(
            self._reason,
            self._usage,
            first - self._began,
            now - self._began,
            speed,
            mean_logprob=_mean(self._logprobs),
            mean_entropy=_mean(self._entropies),
            adapter=self.adapter,
        )
        return [*events, ended]

    def _read(self, chunk: dict[str, Any]) -> list[BackendEvent]:
        if usage := chunk.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            self._usage = Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]), int(cached))
        if timings := chunk.get("timings"):
            self._tokens_per_second = float(timings.get("predicted_per_second") or 0.0)
        events: list[BackendEvent] = []
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                self._first = self._first or time.perf_counter()
                events.append(TextArrived(text))
            for part in delta.get("tool_calls") or ():
                self._first = self._first or time.perf_counter()
                events += self._add(part)
            for token in (choice.get("logprobs") or {}).get("content") or ():
                self._measure(token)
            if reason := choice.get("finish_reason"):
                self._reason = _REASONS.get(reason, "stop")
        return events

    def _measure(self, token: dict[str, Any]) -> None:
        """Other servers tell of every token, and ours alone of entropy."""
        if len(self._logprobs) < FIRST_TOKENS:
            self._logprobs.append(float(token["logprob"]))
            if (entropy := token.get("entropy")) is not None:
                self._entropies.append(float(entropy))

    def _add(self, part: dict[str, Any]) -> list[BackendEvent]:
        index = int(part.get("index") or 0)
        events: list[BackendEvent] = []
        while len(self._names) <= index:
            events = self._complete(len(self._names))
            self._ids.append("")
            self._names.append("")
            self._arguments.append([])
        function = part.get("function") or {}
        self._ids[index] = part.get("id") or self._ids[index]
        self._names[index] = function.get("name") or self._names[index]
        self._arguments[index].append(function.get("arguments") or "")
        return events

    def _complete(self, count: int) -> list[BackendEvent]:
        """Calls before the `count`-th that were not told yet."""
        events: list[BackendEvent] = []
        for index in range(self._told, count):
            identity = self._ids[index] or f"call_{index}"
            arguments = "".join(self._arguments[index]) or "{}"
            events.append(ToolRequested(ToolCall(identity, self._names[index], arguments)))
        self._told = count
        return events


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _status(error: Any) -> int:
    """An error in the middle of a stream has no HTTP status; its type tells whose fault it is."""
    kind = error.get("type", "") if isinstance(error, dict) else ""
    return 400 if kind == "invalid_request_error" else 503
