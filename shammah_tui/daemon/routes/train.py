"""The routes of training, as `shammah_tui.wire` lists them: begin, list, follow, cancel."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shammah_tui.daemon import body
from shammah_tui.daemon.routes.chat import while_connected
from shammah_tui.daemon.routes.own import Empty
from shammah_tui.daemon.service import Service
from shammah_tui.daemon.stream import send_events
from shammah_tui.errors import RequestError, ShammahError
from shammah_tui.wire import TrainRequest

_JSON = "application/json"


class Train:
    def __init__(self, service: Service) -> None:
        self._training = service.training
        self._presence = service.presence

    async def begin(self, request: Request) -> Response:
        wanted = await body.read(request, TrainRequest)
        with self._presence.visit():
            try:
                state = await self._training.start(wanted)
            except RequestError:
                raise
            except ShammahError as error:
                # Not the engine's fault, and no use to try again: rows, base or memory are as they are.
                raise RequestError(error.message, error.hint, status=422) from error
        return Response(state.model_dump_json(), media_type=_JSON)

    async def all(self, request: Request) -> Response:
        return Response((await self._training.report()).model_dump_json(), media_type=_JSON)

    async def cancel(self, request: Request) -> Response:
        await body.read(request, Empty)
        with self._presence.visit():
            state = await self._training.cancel()
        return Response(state.model_dump_json(), media_type=_JSON)


class TrainEvents:
    """GET /v1/shammah/train/events: a plain ASGI endpoint, so that a client that leaves is noticed at once."""

    def __init__(self, service: Service) -> None:
        self._training = service.training
        self._presence = service.presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = Request(scope).query_params
        run, after = query.get("run", ""), query.get("after", "0")
        if not after.isdecimal() or len(after) > 9:
            raise RequestError("after must be a number.", param="after")
        with self._presence.visit():
            await while_connected(send_events(send, self._lines(run, int(after))), receive)

    async def _lines(self, run: str, after: int) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._training.events(run, after)) as events:
            async for event in events:
                yield json.dumps(event, default=str).encode()
