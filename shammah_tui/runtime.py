"""Joins the rooms on the client's side: the engine's process, the backends, the conversation. No screen here.

The screen and `shammah query` drive it alike:

    runtime = Runtime(settings, folder=Path.cwd())
    async for event in runtime.ask("…"):    # waits for the model by itself, closing it interrupts
        ...
    await runtime.close()
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shammah_tui.agent.draft import Draft, Record
from shammah_tui.agent.loop import Backend, Limits, Route, turn
from shammah_tui.agent.prompt import system_prompt
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import FinishReason, Message
from shammah_tui.errors import EngineError, EngineGone, ShammahError
from shammah_tui.events import BootstrapState, Phase, TurnEvent, TurnFailed, TurnWaiting
from shammah_tui.wire import TokenizeReport

SETTLED = frozenset({Phase.READY, Phase.FAILED, Phase.NOT_AVAILABLE})
# An engine that dies this often without a model being ready in between is not started again by itself.
DEATHS_MAX = 2

GONE = "The engine went away."
AGAIN = "The engine went away; it is started again."
SEND_AGAIN = "The engine is started again: send the question once more."
WAITING_FOR = {
    Phase.INITIALIZING: "The engine is starting.",
    Phase.DOWNLOADING: "The model is downloading.",
    Phase.LOADING: "The model is loading.",
}


class Engine(Protocol):
    """A connected engine, as `backends.engine_client.EngineClient` is one. Methods raise EngineError, EngineGone."""

    def events(self) -> AsyncIterator[BootstrapState]: ...

    async def switch_model(self, model: str) -> BootstrapState: ...

    async def tokenize(self, messages: Sequence[Message]) -> TokenizeReport: ...

    async def close(self) -> None: ...


Connect = Callable[[Settings, str | None], Awaitable[tuple[Engine, Backend]]]


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens of the conversation so far, of what the model can read."""

    used_tokens: int
    context_tokens: int


class Runtime:
    """One conversation with whatever answers it. Safe for one turn at a time, and any number of `states()`.

    `model`: what `--model` was given; an engine that already runs with another one changes to it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path | None = None,
        model: str | None = None,
        connect: Connect | None = None,
    ) -> None:
        self.settings = settings
        self.folder = folder or Path.cwd()
        self.state = BootstrapState(Phase.INITIALIZING)
        self.record = self._fresh_record()
        self._model = model
        self._connect = connect or connect_engine
        self._engine: Engine | None = None
        self._backend: Backend | None = None
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._deaths = 0
        self._closed = False

    # The engine and its state

    def start(self) -> None:
        """Begin to reach the engine, in the background; again after a failure. Needs a running event loop."""
        self._wanted.set()
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="runtime-watch")
            self._watcher.add_done_callback(lambda _: self._announce())

    async def states(self) -> AsyncGenerator[BootstrapState, None]:
        """The present state and each later one, the latest alone where the reader is slower."""
        self.start()
        seen: BootstrapState | None = None
        while True:
            changed = self._changed
            if self.state is not seen:
                seen = self.state
                yield seen
            elif self._closed:
                return
            elif self._watcher is not None and self._watcher.done():
                self._watcher.result()
            else:
                await changed.wait()

    async def retry(self) -> None:
        """Try again after a failure: to start the engine, or to find and load the model. Raises EngineError."""
        if self._engine is None:
            self.start()
        else:
            await self.switch_model(self._model or self.settings.model.size)

    async def switch_model(self, model: str) -> None:
        """Choose and load another model, as `--model` takes it. Raises EngineError, RequestError."""
        self._model = model
        if self._engine is None:
            self.start()
        else:
            self._publish(await self._engine.switch_model(model))

    def remember(self, key: str, value: str) -> None:
        """Keep a setting for later sessions, in the config file. Raises ConfigError, HomeError."""
        from shammah_tui.config.document import set_value

        set_value(key, value)

    async def close(self) -> None:
        """Let go of the engine; it stays for others, or ends itself after its keep-alive."""
        self._closed = True
        await self._stop_watching()

    # The conversation

    def begin_anew(self) -> None:
        """Forget the conversation; the next question starts another one."""
        self.record = self._fresh_record()

    async def context(self) -> ContextUse | None:
        """How full the model's context is, by its own tokenizer; None while nobody can count. Raises EngineError."""
        if self._engine is None or self.state.phase is not Phase.READY:
            return None
        report = await self._engine.tokenize(self.record.messages)
        return ContextUse(report.tokens, report.context_tokens)

    async def ask(self, question: str) -> AsyncGenerator[TurnEvent, None]:
        """Answer `question`; waits until a model is ready, however long. Closing it interrupts, keeping what was said.

        An engine that goes away is started again; when nothing was said yet the question is sent again, once.
        """
        draft = Draft(self.record, question)
        reason: FinishReason = "interrupted"
        retried = False
        try:
            while True:
                async with aclosing(self._until_settled()) as waits:
                    async for waiting in waits:
                        yield waiting
                route = self._route()
                if route is None:
                    yield TurnFailed(self.state.reason or "No model is available.", self.state.hint)
                    return
                try:
                    async with aclosing(turn(draft, route, self._limits)) as events:
                        async for event in events:
                            yield event
                    return
                except EngineGone as error:
                    reason = "lost"
                    await self._reconnect()
                    if draft.said_something or retried:
                        yield TurnFailed(error.message, error.hint or SEND_AGAIN, error.exit_code)
                        return
                    retried = True
        except ShammahError as error:
            reason = "lost"
            yield TurnFailed(error.message, error.hint, error.exit_code)
        finally:
            self.record = draft.close(reason)

    @property
    def _limits(self) -> Limits:
        return Limits(self.settings.model.temperature, self.settings.model.max_tokens)

    def _fresh_record(self) -> Record:
        return Record(uuid.uuid4().hex, system_prompt(folder=str(self.folder)))

    def _route(self) -> Route | None:
        """Who takes the next question. The local model, while there is no other."""
        if self._backend is None or self.state.phase is not Phase.READY:
            return None
        name = self.state.model.name if self.state.model else ""
        return Route(self._backend, name, "local")

    async def _until_settled(self) -> AsyncGenerator[TurnWaiting, None]:
        """Say what is waited for, whenever that changes, until the model is ready or cannot be."""
        if self._engine is None and self.state.phase is Phase.FAILED:
            self._publish(BootstrapState(Phase.INITIALIZING))
        said = ""
        async with aclosing(self.states()) as states:
            async for state in states:
                if state.phase in SETTLED:
                    return
                reason = state.reason or WAITING_FOR[state.phase]
                if reason != said:
                    said = reason
                    yield TurnWaiting(reason)

    # Watching the engine

    def _publish(self, state: BootstrapState) -> None:
        self.state = state
        self._announce()

    def _announce(self) -> None:
        """Wake every reader of `states()`."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _reconnect(self) -> None:
        """An answer broke off: what is known of the engine may no longer be true, so reach it anew."""
        await self._stop_watching()
        self._deaths += 1
        self._publish(BootstrapState(Phase.INITIALIZING, reason=AGAIN))
        self.start()

    async def _stop_watching(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})
        self._announce()

    async def _watch(self) -> None:
        """Keep an engine connected and relay its states. One that dies is started again; one that dies again before it
        was ready, or that cannot be started at all, is left until someone asks."""
        while True:
            self._wanted.clear()
            failure = EngineError(
                GONE, "Send the question again to start it anew; `shammah doctor` looks for the cause."
            )
            try:
                await self._relay()
                self._deaths += 1
            except EngineGone:
                self._deaths += 1
            except EngineError as error:
                self._deaths = DEATHS_MAX
                failure = error
            finally:
                await self._release()
            if self._deaths < DEATHS_MAX:
                self._publish(BootstrapState(Phase.INITIALIZING, reason=AGAIN))
                continue
            self._publish(BootstrapState(Phase.FAILED, reason=failure.message, hint=failure.hint))
            await self._wanted.wait()
            self._deaths = 0

    async def _relay(self) -> None:
        """Connect, and publish the engine's states until it is gone. Raises EngineError, EngineGone."""
        self._engine, backend = await self._connect(self.settings, self._model)
        if self._model is not None:
            await self._engine.switch_model(self._model)
        async for state in self._engine.events():
            if state.phase is Phase.READY:
                self._deaths = 0
            self._backend = backend
            self._publish(state)

    async def _release(self) -> None:
        engine, self._engine, self._backend = self._engine, None, None
        if engine is not None:
            await engine.close()


async def connect_engine(settings: Settings, model: str | None) -> tuple[Engine, Backend]:
    """Our own engine on this machine, started when it does not run. Imported late: the screen shows before this."""
    from shammah_tui.backends.engine_process import connect
    from shammah_tui.backends.local import LocalBackend

    client = await connect(settings, model=model)
    return client, LocalBackend(client)
