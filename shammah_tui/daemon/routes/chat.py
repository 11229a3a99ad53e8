"""POST /v1/chat/completions, as OpenAI has it.

A plain ASGI endpoint, because a request holds its place in the queue until its last byte is sent, and because a
client that leaves, in the queue or in the middle of an answer, must end the generation at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shammah_tui.daemon import body
from shammah_tui.daemon.answer import AnswerPart, answer
from shammah_tui.daemon.chat_request import ChatRequest, is_session_name
from shammah_tui.daemon.completion import DONE, Chunks, Whole
from shammah_tui.daemon.failure import UnknownModel, describe
from shammah_tui.daemon.loaded import LoadedModel
from shammah_tui.daemon.service import Service
from shammah_tui.engine import grammar
from shammah_tui.engine.request import GenerationRequest, Grammar
from shammah_tui.errors import RequestError, ShammahError
from shammah_tui.wire import HEADER_ADAPTER, HEADER_SESSION, HEADER_WAIT, NO_ADAPTER

log = logging.getLogger(__name__)

# What a client may call the loaded model without knowing which one it is.
ANY_MODEL = frozenset({"", "default", "local", "shammah"})
# Of how many tokens log-probabilities are told.
CERTAINTY_TOKENS = 64
WAIT_SECONDS_MAX = 24 * 3600.0
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class ChatCompletions:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with self._service.admission.place(), self._service.presence.visit():
            try:
                chat = await body.read(request, ChatRequest)
            except ClientDisconnect:
                return
            await while_connected(self._answer(request, chat, send), receive)

    async def _answer(self, request: Request, chat: ChatRequest, send: Send) -> None:
        session = _session(request)
        wait_seconds = _wait_seconds(request)
        check_model(chat.model, self._service)
        loaded = await self._service.ready(wait_seconds)
        check_model(chat.model, self._service)
        adapter = await self._service.adapter(loaded, request.headers.get(HEADER_ADAPTER, ""))
        made_by = adapter.label if adapter else NO_ADAPTER
        generation = await self._generation_request(chat, loaded, session)
        if adapter is not None:
            generation = replace(generation, adapter=adapter.use)
        async with self._service.admission.turn():
            parts = answer(loaded.engine.generate(generation), with_tools=bool(chat.offered_tools))
            async with aclosing(parts):
                first = await anext(parts)
                if chat.stream:
                    include_usage = chat.stream_options is not None and chat.stream_options.include_usage
                    await _stream(first, parts, Chunks(loaded.id, include_usage=include_usage), made_by, send)
                    return
                whole = Whole(loaded.id)
                whole.add(first)
                async for part in parts:
                    whole.add(part)
        response = Response(whole.encode(), headers={HEADER_ADAPTER: made_by}, media_type="application/json")
        await response(request.scope, request.receive, send)

    async def _generation_request(self, chat: ChatRequest, loaded: LoadedModel, session: str) -> GenerationRequest:
        tools = [tool.model_dump() for tool in chat.offered_tools]
        rules = _grammar(chat, tools)
        messages = [message.for_template() for message in chat.messages]
        prompt = await loaded.prompt(messages, tools, chat.template_variables)
        defaults = self._service.settings.model
        return GenerationRequest(
            prompt,
            max_tokens=chat.token_limit(defaults.max_tokens),
            sampling=chat.sampling(defaults.temperature),
            stop=chat.stops,
            grammar=rules,
            session=session,
            certainty_tokens=CERTAINTY_TOKENS if chat.logprobs else 0,
        )


async def _stream(first: AnswerPart, rest: Any, chunks: Chunks, made_by: str, send: Send) -> None:
    """Once the first byte is out, an error can only be told as one more event; OpenAI's clients raise it."""
    headers = [*_STREAM_HEADERS, (HEADER_ADAPTER.encode(), made_by.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    encode = chunks.encode
    await send({"type": "http.response.body", "body": chunks.begin + encode(first), "more_body": True})
    try:
        async for part in rest:
            await send({"type": "http.response.body", "body": encode(part), "more_body": True})
        last = DONE
    except ShammahError as error:
        last = f"data: {json.dumps(describe(error))}\n\n".encode()
    await send({"type": "http.response.body", "body": last, "more_body": False})


async def while_connected(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Run `work` until it is done or the client leaves, whatever comes first. The body must have been read."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        finished = working.done()
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})
    if finished or not working.cancelled():
        working.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def check_model(name: str, service: Service) -> None:
    """Raises RequestError where `name` is not the model that is loaded, or being loaded: 400 for a path, else 404."""
    known = service.model_id
    if name in ANY_MODEL or name == known:
        return
    if name.startswith(("/", "~", ".", "\\")) or name.endswith(".gguf") or "\x00" in name or ".." in name:
        raise RequestError("A model is named by its id, not by a path.", "GET /v1/models lists it.", param="model")
    if known is not None:
        raise UnknownModel(name, known)


def _session(request: Request) -> str:
    session = request.headers.get(HEADER_SESSION, "")
    if session and not is_session_name(session):
        raise RequestError(f"{HEADER_SESSION} must be letters, digits, dots, dashes, at most 128.")
    return session


def _wait_seconds(request: Request) -> float:
    try:
        seconds = float(request.headers.get(HEADER_WAIT, "0"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= WAIT_SECONDS_MAX:
        raise RequestError(f"{HEADER_WAIT} must be a number of seconds, at most {WAIT_SECONDS_MAX:.0f}.")
    return seconds


def _grammar(chat: ChatRequest, tools: list[dict[str, Any]]) -> Grammar | None:
    """Raises RequestError for a schema that is too large or refers nowhere."""
    if tools:
        choice = chat.tool_choice
        several = chat.parallel_tool_calls is not False
        if choice in (None, "auto"):
            return grammar.for_tools(tools, required=False, several=several)
        if choice == "required":
            return grammar.for_tools(tools, required=True, several=several)
        assert not isinstance(choice, str | None)
        chosen = [tool for tool in tools if tool["function"]["name"] == choice.function.name]
        return grammar.for_tools(chosen, required=True, several=False)
    form = chat.response_format
    if form is None or form.type == "text":
        return None
    return grammar.for_answer(form.json_schema.schema_ if form.json_schema else {"type": "object"})
