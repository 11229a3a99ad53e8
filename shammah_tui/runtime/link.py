"""The link to the engine: reached in the background, its states relayed, started again where it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from shammah_tui.agent.loop import Backend
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import EngineError, EngineGone, EngineStopped, ShammahError
from shammah_tui.events import BootstrapState, Phase
from shammah_tui.wire import AdaptersReport, TokenizeReport

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
    """A connected engine, as `backends.engine_client.EngineClient` is one. Methods raise EngineError, EngineGone;
    `events` EngineStopped."""

    notice: str

    def events(self) -> AsyncIterator[BootstrapState]: ...

    async def switch_model(self, model: str) -> BootstrapState: ...

    async def tokenize(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> TokenizeReport: ...

    async def adapters(self) -> AdaptersReport: ...

    async def close(self) -> None: ...


@runtime_checkable
class Adaptable(Protocol):
    """A backend that can answer with another adapter than the active one."""

    def using(self, adapter: str) -> Backend: ...


Connect = Callable[[Settings, str | None], Awaitable[tuple[Engine, Backend]]]


class EngineLink:
    """`state` is the engine's as it was last heard; `engine` and `backend` are None while it is not connected.

    `model`: what `--model` was given; an engine that already runs with another one changes to it.
    """

    def __init__(self, settings: Settings, model: str | None, connect: Connect | None) -> None:
        self.state = BootstrapState(Phase.INITIALIZING)
        self.engine: Engine | None = None
        self.backend: Backend | None = None
        self._settings = settings
        self._model = model
        self._connect = connect or connect_engine
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._deaths = 0
        self._stopped = False
        self._closed = False

    def start(self) -> None:
        """Begin to reach the engine, in the background; again after a failure. Needs a running event loop."""
        self._stopped = False
        self._wanted.set()
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="engine-link")
            self._watcher.add_done_callback(lambda _: self.announce())

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
            else:
                self.check()
                await changed.wait()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change; take it before looking at the state."""
        return self._changed

    def revive(self) -> None:
        """Somebody needs the engine: one that could not be started, or was stopped, is started again."""
        if self.engine is None and self.state.phase in (Phase.FAILED, Phase.NOT_AVAILABLE):
            self._publish(BootstrapState(Phase.INITIALIZING))
        self.start()

    def take_notice(self) -> str:
        """What the person should know of the engine that is connected: once, then it is empty."""
        if self.engine is None:
            return ""
        notice, self.engine.notice = self.engine.notice, ""
        return notice

    def check(self) -> None:
        """Raises what ended the watching of the engine, where that was a fault of ours."""
        if self._watcher is not None and self._watcher.done():
            self._watcher.result()

    def announce(self) -> None:
        """Wake every reader of `states()`, and whoever waits for `changed`."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def retry(self) -> None:
        """Try again after a failure: to start the engine, or to find and load the model. Raises EngineError."""
        if self.engine is None:
            self.start()
        else:
            await self._switch(self.engine, self._model or self._settings.model.size)

    async def switch_model(self, model: str) -> None:
        """Choose and load another model, as `--model` takes it. Raises EngineError, RequestError."""
        if self.engine is None:
            self._model = model
            self.start()
        else:
            await self._switch(self.engine, model)
            # One that was refused is not asked for again.
            self._model = model

    async def reconnect(self) -> None:
        """An answer broke off: what is known of the engine may no longer be true, so reach it anew.

        Raises EngineStopped where somebody stopped it meanwhile.
        """
        if self._stopped:
            raise EngineStopped
        await self._stop_watching()
        self._deaths += 1
        self._publish(BootstrapState(Phase.INITIALIZING, reason=AGAIN))
        self.start()

    async def close(self) -> None:
        """Let go of the engine; it stays for others, or ends itself after its keep-alive."""
        self._closed = True
        await self._stop_watching()

    async def _switch(self, engine: Engine, model: str) -> None:
        before = self.state
        state = await engine.switch_model(model)
        # The stream of states may have been faster, and then knows more.
        if self.state is before:
            self._publish(state)

    def _publish(self, state: BootstrapState) -> None:
        self.state = state
        self.announce()

    async def _stop_watching(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})
        self.announce()

    async def _watch(self) -> None:
        """Keep an engine connected and relay its states. One that dies is started again; one that dies again before it
        was ready, that was stopped, or that cannot be started at all, is left until someone asks."""
        while True:
            failure: ShammahError = EngineError(
                GONE, "Send the question again to start it anew; `shammah doctor` looks for the cause."
            )
            try:
                await self._relay()
                self._deaths += 1
            except EngineGone:
                self._deaths += 1
            except EngineStopped as error:
                self._deaths = DEATHS_MAX
                # An answer under way breaks off when the connection is closed, and must know this then.
                self._stopped = True
                failure = error
            except ShammahError as error:
                self._deaths = DEATHS_MAX
                failure = error
            except OSError as error:
                self._deaths = DEATHS_MAX
                failure = EngineError(
                    f"The engine cannot be started: {error.strerror or error}.", "`shammah doctor` looks for the cause."
                )
            finally:
                await self._release()
            if self._deaths < DEATHS_MAX:
                self._publish(BootstrapState(Phase.INITIALIZING, reason=AGAIN))
                continue
            phase = Phase.NOT_AVAILABLE if isinstance(failure, EngineStopped) else Phase.FAILED
            self._publish(BootstrapState(phase, reason=failure.message, hint=failure.hint))
            self._wanted.clear()
            await self._wanted.wait()
            self._deaths = 0

    async def _relay(self) -> None:
        """Connect, and publish the engine's states until it is gone. Raises EngineError, EngineGone."""
        self.engine, backend = await self._connect(self._settings, self._model)
        if self._model is not None:
            await self.engine.switch_model(self._model)
        async for state in self.engine.events():
            if state.phase is Phase.READY:
                self._deaths = 0
            self.backend = backend
            self._publish(state)

    async def _release(self) -> None:
        engine, self.engine, self.backend = self.engine, None, None
        if engine is not None:
            await engine.close()


async def connect_engine(settings: Settings, model: str | None) -> tuple[Engine, Backend]:
    """Our own engine on this machine, started when it does not run. Imported late: the screen shows before this."""
    from shammah_tui.backends.engine_process import connect
    from shammah_tui.backends.local import LocalBackend

    client = await connect(settings, model=model)
    return client, LocalBackend(client, certainty=settings.router.escalate != "never")
