"""A connection to an engine of ours, by its Unix socket or by TCP: the routes that `shammah_tui.wire` lists."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx2
from pydantic import ValidationError

from shammah_tui import wire
from shammah_tui.backends.api_error import connection_errors, raise_for_status
from shammah_tui.backends.form import messages_as_openai, tools_as_openai
from shammah_tui.backends.sse import data_of
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import EngineError, EngineGone, EngineStopped
from shammah_tui.events import BootstrapState

# Reading has no limit: a prompt may take minutes, and a process that is gone closes its socket.
TIMEOUT = httpx2.Timeout(30.0, connect=5.0, read=None)
SHORT = httpx2.Timeout(10.0, connect=2.0)
RECONNECTIONS = 3
RECONNECT_SECONDS = 0.2
# The name of the host in requests over the Unix socket, which has none.
SOCKET_URL = "http://engine"


class EngineClient:
    """Every method raises EngineGone where the engine cannot be reached, EngineError where it refuses."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.notice = ""
        """What the person should know of this engine; empty where it is as wanted."""

    @classmethod
    def over_socket(cls, path: Path) -> EngineClient:
        # A connection costs microseconds here, and a kept one may have been closed by the other side.
        limits = httpx2.Limits(max_keepalive_connections=0)
        transport = httpx2.AsyncHTTPTransport(uds=str(path), limits=limits, trust_env=False)
        return cls(httpx2.AsyncClient(transport=transport, base_url=SOCKET_URL, timeout=TIMEOUT, trust_env=False))

    @classmethod
    def over_tcp(cls, url: str, token: str) -> EngineClient:
        """`url` without the `/v1` at its end."""
        headers = {"authorization": f"Bearer {token}"}
        return cls(httpx2.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.http.aclose()

    async def health(self) -> wire.HealthReport:
        return _health(await self._ask("GET", "/health"))

    async def state(self) -> BootstrapState:
        return _state(await self._ask("GET", wire.ROUTE_STATE))

    async def events(self) -> AsyncGenerator[BootstrapState, None]:
        """The present state and each later one; connects anew when the stream breaks off. Raises EngineGone,
        and EngineStopped where somebody stops it."""
        failures = 0
        while True:
            try:
                async with aclosing(self._events()) as states:
                    async for state in states:
                        failures = 0
                        yield state
            except EngineGone:
                failures += 1
                if failures > RECONNECTIONS:
                    raise
            if (await self.health()).status == "stopping":
                raise EngineGone("The engine is ending.")
            await asyncio.sleep(RECONNECT_SECONDS)

    async def switch_model(self, model: str) -> BootstrapState:
        """Choose and load another model, as `--model` takes it; the state right after, the rest comes by `events`."""
        return _state(await self._ask("POST", wire.ROUTE_MODEL, {"model": absolute(model)}))

    async def tokenize(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> wire.TokenizeReport:
        """How long the conversation is for the model, with its template."""
        body = {"messages": messages_as_openai(messages), "tools": tools_as_openai(tools)}
        answer = await self._ask("POST", wire.ROUTE_TOKENIZE, body)
        with _understood():
            return wire.TokenizeReport.model_validate(answer)

    async def models(self) -> tuple[str, ...]:
        """Ids of the models that answer; none while one is loading."""
        listed = await self._ask("GET", "/v1/models")
        return tuple(str(model.get("id", "")) for model in listed.get("data", ()))

    async def adapters(self) -> wire.AdaptersReport:
        """All adapters of the home, and which one answers."""
        answer = await self._ask("GET", wire.ROUTE_ADAPTERS)
        with _understood():
            return wire.AdaptersReport.model_validate(answer)

    async def use_adapter(
        self, name: str | None, scale: float = 1.0, by: Literal["person", "program"] = "person"
    ) -> wire.AdapterReport:
        """Make `name` answer from now on, None the base alone. Raises RequestError where it is refused."""
        answer = await self._ask("POST", wire.ROUTE_ADAPTER, {"name": name, "scale": scale, "by": by})
        with _understood():
            return wire.AdapterReport.model_validate(answer)

    async def train(self, request: wire.TrainRequest) -> wire.RunState:
        """Begin a run; the rest comes by `training`. Raises RequestError where it cannot begin, with the reason."""
        answer = await self._ask("POST", wire.ROUTE_TRAIN, request.model_dump(mode="json"), limits=TIMEOUT)
        with _understood():
            return wire.RunState.model_validate(answer)

    async def runs(self) -> wire.RunsReport:
        answer = await self._ask("GET", wire.ROUTE_TRAIN)
        with _understood():
            return wire.RunsReport.model_validate(answer)

    async def cancel_training(self) -> wire.RunState:
        """Raises RequestError where nothing is trained."""
        answer = await self._ask("POST", wire.ROUTE_TRAIN_CANCEL, {}, limits=TIMEOUT)
        with _understood():
            return wire.RunState.model_validate(answer)

    async def training(self, run: str = "", *, after: int = 0) -> AsyncGenerator[dict[str, Any], None]:
        """Events of a run (empty: the one that lives, else the latest) from its first, then as they come; the last is
        `RunClosed`. `after`: the `number` of the last one known, after a connection that broke off."""
        query = {"run": run, "after": str(after)}
        with connection_errors():
            async with self.http.stream("GET", wire.ROUTE_TRAIN_EVENTS, params=query) as response:
                await raise_for_status(response)
                async for data in data_of(response.aiter_bytes()):
                    with _understood():
                        event = json.loads(data)
                    yield event

    async def stop(self) -> wire.HealthReport:
        """Tell the engine to end; it answers, then goes."""
        return _health(await self._ask("POST", wire.ROUTE_STOP, {}))

    async def _ask(
        self, method: str, route: str, body: dict[str, Any] | None = None, *, limits: httpx2.Timeout = SHORT
    ) -> dict[str, Any]:
        with connection_errors():
            async with self.http.stream(method, route, json=body, timeout=limits) as response:
                await raise_for_status(response)
                await response.aread()
        with _understood():
            answer = response.json()
        if not isinstance(answer, dict):
            raise EngineError("The engine's answer could not be understood.")
        return answer

    async def _events(self) -> AsyncGenerator[BootstrapState, None]:
        with connection_errors():
            async with self.http.stream("GET", wire.ROUTE_EVENTS) as response:
                await raise_for_status(response)
                async for data in data_of(response.aiter_bytes()):
                    if data == wire.STOPPED:
                        raise EngineStopped
                    with _understood():
                        state = wire.bootstrap_state.validate_json(data)
                    yield state


def absolute(model: str) -> str:
    """`model` as an engine understands it, which runs in another folder than we do."""
    # Unlike `Path.expanduser` this one leaves the home of a user who is not there as it is written.
    return str(Path(os.path.expanduser(model)).absolute()) if wire.is_path(model) else model  # noqa: PTH111


@contextmanager
def _understood() -> Iterator[None]:
    """An answer of another form is an EngineError: most likely of an engine of another version."""
    try:
        yield
    except (ValidationError, ValueError) as error:
        raise EngineError(
            "The engine's answer could not be understood.", "`shammah daemon stop` ends one of another version."
        ) from error


def _health(answer: dict[str, Any]) -> wire.HealthReport:
    with _understood():
        return wire.HealthReport.model_validate(answer)


def _state(answer: dict[str, Any]) -> BootstrapState:
    with _understood():
        return wire.bootstrap_state.validate_python(answer)
