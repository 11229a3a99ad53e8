"""The routes of our own, as `shammah_tui.wire` lists them: health, state, events, model, tokenize, adapters, stop."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shammah_tui import __version__
from shammah_tui.config.held import hub_digest, settings_digest
from shammah_tui.daemon import body
from shammah_tui.daemon.chat_request import TOOLS_MAX, ChatMessage, Part, Tool
from shammah_tui.daemon.routes.chat import while_connected
from shammah_tui.daemon.service import Service
from shammah_tui.daemon.stream import send_events
from shammah_tui.errors import RequestError
from shammah_tui.events import BootstrapState
from shammah_tui.wire import (
    PROTOCOL,
    STOPPED,
    AdapterRequest,
    HealthReport,
    ModelRequest,
    TokenizeReport,
    TokenizeRequest,
    bootstrap_state,
)

MODEL_NAME_MAX = 1024
_JSON = "application/json"


class Empty(BaseModel):
    """A body that must be JSON, so that no simple form of a web page can send it, and says nothing."""


class Conversation(Part):
    messages: tuple[ChatMessage, ...] = ()
    tools: tuple[Tool, ...] = ()


class Own:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings_digest = settings_digest(service.settings)
        self._hub_digest = hub_digest(os.environ)

    async def health(self, request: Request) -> Response:
        return Response(self._health().model_dump_json(), media_type=_JSON)

    async def state(self, request: Request) -> Response:
        return _state(self._service.state)

    async def model(self, request: Request) -> Response:
        wanted = (await body.read(request, ModelRequest)).model.strip()
        if not wanted or len(wanted) > MODEL_NAME_MAX or "\x00" in wanted:
            raise RequestError("The name of a model is missing or too long.", param="model")
        with self._service.presence.work():
            return _state(await self._service.switch(wanted))

    async def tokenize(self, request: Request) -> Response:
        asked = await body.read(request, TokenizeRequest)
        with self._service.presence.visit():
            loaded = await self._service.ready(0)
            if asked.messages:
                spoken = body.checked(Conversation, {"messages": asked.messages, "tools": asked.tools[:TOOLS_MAX]})
                messages = [message.for_template() for message in spoken.messages]
                tokens = await loaded.prompt(messages, [tool.model_dump() for tool in spoken.tools])
            else:
                tokens = await loaded.tokenize(asked.text)
        report = TokenizeReport(tokens=len(tokens), context_tokens=loaded.engine.model.context_tokens)
        return Response(report.model_dump_json(), media_type=_JSON)

    async def adapters(self, request: Request) -> Response:
        with self._service.presence.visit():
            loaded = await self._service.ready(0)
            report = await loaded.adapters.listed()
        return Response(report.model_dump_json(), media_type=_JSON)

    async def adapter(self, request: Request) -> Response:
        wanted = await body.read(request, AdapterRequest)
        with self._service.presence.visit():
            report = await self._service.use_adapter(wanted.name, wanted.scale, wanted.by)
        return Response(report.model_dump_json(), media_type=_JSON)

    async def stop(self, request: Request) -> Response:
        await body.read(request, Empty)
        self._service.stop()
        return await self.health(request)

    def _health(self) -> HealthReport:
        service = self._service
        return HealthReport(
            status="stopping" if service.stopping.is_set() else "ok",
            version=__version__,
            protocol=PROTOCOL,
            pid=os.getpid(),
            phase=service.state.phase.value,
            model=service.model_id,
            adapter=service.loaded.summary.adapter if service.loaded else "",
            clients=service.presence.count,
            uptime_seconds=round(time.monotonic() - service.started_at, 3),
            keep_alive_seconds=service.keep_alive_seconds,
            offline=service.settings.offline,
            settings=self._settings_digest,
            hub=self._hub_digest,
        )


class Events:
    """GET /v1/shammah/events: the present state, then every change, until one side leaves; STOPPED where it is we."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._service.presence.visit():
            await while_connected(send_events(send, self._lines()), receive)

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        # An engine that leaves by itself does so when nobody is here: who comes then may start another.
        if self._service.stopping.is_set():
            return
        async with aclosing(self._service.states()) as states:
            async for state in states:
                yield bootstrap_state.dump_json(state)
        yield STOPPED.encode()


def _state(state: BootstrapState) -> Response:
    return Response(bootstrap_state.dump_json(state), media_type=_JSON)
