"""Joins bootstrap and engine: from a wish to a model that answers, told as states, and from there to another model.

Lives on one event loop. What blocks (loading, closing, rendering and tokenizing a conversation) runs in threads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractContextManager, aclosing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shammah_tui import paths
from shammah_tui.bootstrap.prepare import ModelFile, prepare
from shammah_tui.bootstrap.state import advance
from shammah_tui.config.settings import Settings
from shammah_tui.daemon.adapters import Active, Adapters
from shammah_tui.daemon.admission import Admission, Presence
from shammah_tui.daemon.failure import ModelNotReady
from shammah_tui.daemon.loaded import LoadedModel, public_id
from shammah_tui.daemon.runs import Runs
from shammah_tui.daemon.training import Training
from shammah_tui.engine.request import Engine, LoadOptions
from shammah_tui.errors import ModelError, ShammahError
from shammah_tui.events import BootstrapState, Phase
from shammah_tui.files import private_folder
from shammah_tui.learning.store import By, Store
from shammah_tui.wire import AdapterReport

log = logging.getLogger(__name__)

T = TypeVar("T")

OpenEngine = Callable[[Path, LoadOptions], Engine]

# With the engine at the same time: all slots, and as many again, so that a slot that falls free is filled at once.
REQUESTS_PER_SLOT = 2
FOLLOW_SECONDS = 1.0


class Prepare(Protocol):
    """`bootstrap.prepare.prepare`."""

    def __call__(self, settings: Settings, wish: str) -> AsyncGenerator[BootstrapState | ModelFile, None]: ...


def open_llama(path: Path, options: LoadOptions) -> Engine:
    """Imported late: the state is served while llama.cpp's library is being read from the disk."""
    from shammah_tui.engine.llama import LlamaEngine

    return LlamaEngine(path, options)


class Service:
    """The one model of this process, on its way or there. `open_engine` and `prepare` are the rooms below."""

    def __init__(self, settings: Settings, *, open_engine: OpenEngine = open_llama, prepare: Prepare = prepare) -> None:
        self.settings = settings
        self.state = BootstrapState(Phase.INITIALIZING)
        self.loaded: LoadedModel | None = None
        self.presence = Presence()
        places = settings.model.slots + settings.engine.queue
        running = min(places, settings.model.slots * REQUESTS_PER_SLOT)
        self.admission = Admission(running=running, waiting=places - running)
        self.started_at = time.monotonic()
        self.stopping = asyncio.Event()
        """Set when the process is to end: open event streams close, and who serves leaves."""
        self.keep_alive_seconds: float | None = None
        self._store = Store(paths.adapters_folder(settings.lora.adapters_dir))
        self.training = Training(Runs(paths.home() / "runs"), self._store, self)
        self._open_engine = open_engine
        self._prepare = prepare
        self._wish = ""
        self._stands_in = False
        self._task: asyncio.Task[None] | None = None
        self._exchanging = asyncio.Lock()
        self._changed = asyncio.Event()

    # States

    async def states(self) -> AsyncGenerator[BootstrapState, None]:
        """The present state and each later one, the latest alone for a slow reader; ends when the process does."""
        seen: BootstrapState | None = None
        while not self.stopping.is_set():
            changed = self._changed
            if self.state is not seen:
                seen = self.state
                yield seen
            else:
                await changed.wait()

    async def ready(self, wait_seconds: float) -> LoadedModel:
        """The loaded model, waiting for it at most so long. Raises ModelNotReady; at once where none will come."""
        try:
            async with asyncio.timeout(wait_seconds), aclosing(self.states()) as states:
                async for state in states:
                    if self.loaded is not None and state.phase is Phase.READY:
                        return self.loaded
                    if state.phase in (Phase.FAILED, Phase.NOT_AVAILABLE):
                        break
        except TimeoutError:
            pass
        raise ModelNotReady(self.state)

    @property
    def model_id(self) -> str | None:
        """What the API calls the model that is loaded or being loaded."""
        return public_id(self.state.model) if self.state.model else None

    def stop(self) -> None:
        self.stopping.set()
        self._announce()

    # Models

    async def switch(self, wish: str) -> BootstrapState:
        """As `choose`, but what cannot be had is refused while another model answers, and that one stays.
        Raises ModelError, ConfigError."""
        if self.loaded is not None and not self._is_chosen(wish):
            await self._check(wish)
        return self.choose(wish)

    def choose(self, wish: str) -> BootstrapState:
        """Begin to load the model that `wish` names, unless it is there or on its way; the state right after.
        Where another one stands in for it, it is looked for again, and what is loaded stays until it is found."""
        if self._is_chosen(wish):
            return self.state
        self._wish, self._stands_in = wish, False
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._exchange(wish), name="model")
        self._publish(BootstrapState(Phase.INITIALIZING))
        return self.state

    # Adapters

    async def adapter(self, loaded: LoadedModel, wish: str = "") -> Active | None:
        """The adapter of one request, as `Adapters.chosen` says it. Raises RequestError."""
        found = await loaded.adapters.chosen(wish)
        self._tell_adapter(loaded)
        return found

    async def use_adapter(self, name: str | None, scale: float, by: By = "person") -> AdapterReport:
        """Raises RequestError, ModelNotReady."""
        loaded = await self.ready(0)
        report = await loaded.adapters.use(name, scale, by)
        self._tell_adapter(loaded)
        return report

    async def follow_adapters(self) -> None:
        """Take what another program writes into `adapters/current`, while this process lives."""
        while not self.stopping.is_set():
            await asyncio.sleep(FOLLOW_SECONDS)
            if (loaded := self.loaded) is not None and self.presence.count:
                await loaded.adapters.follow()
                self._tell_adapter(loaded)

    def _tell_adapter(self, loaded: LoadedModel) -> None:
        """A new READY state, where another adapter answers since the last one was told."""
        active = loaded.adapters.active
        label = active.label if active else ""
        if self.loaded is loaded and self.state.phase is Phase.READY and loaded.summary.adapter != label:
            loaded.be_called(loaded.summary)
            told = BootstrapState(Phase.READY, loaded.summary, reason=loaded.adapters.problem)
            self._publish(advance(self.state, told))

    # What training needs of this

    def stay(self) -> AbstractContextManager[None]:
        return self.presence.visit()

    @property
    def served(self) -> Path | None:
        return self.loaded.engine.model.path if self.loaded else None

    @property
    def served_adapter(self) -> str:
        active = self.loaded.adapters.active if self.loaded else None
        return active.name if active else ""

    async def set_aside(self, reason: str) -> Callable[[], None]:
        """Unload the model and say why; the function that is returned brings it back, unless another one is wanted."""
        wish, self._wish = self._wish, ""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        async with self._exchanging:
            await self._unload()
        self._publish(BootstrapState(Phase.INITIALIZING, reason=reason))

        def bring_back() -> None:
            if not self._wish and not self.stopping.is_set():
                self.choose(wish)

        return bring_back

    async def activate(self, name: str) -> dict[str, Any]:
        loaded = self.loaded
        if loaded is None:
            await asyncio.to_thread(self._store.use, name, 1.0, "program")
            return {"adapter": name, "scale": 1.0, "swap_ms": 0.0}
        report = await loaded.adapters.use(name, 1.0, "program")
        self._tell_adapter(loaded)
        return {"adapter": name, "scale": report.scale, "swap_ms": report.swap_ms}

    async def close(self) -> None:
        """Let go of everything; sessions are saved."""
        self.stop()
        await self.training.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        async with self._exchanging:
            await self._unload()

    def _is_chosen(self, wish: str) -> bool:
        wished = wish == self._wish and not self._stands_in
        same = wished or (self.state.model is not None and wish == self.state.model.id)
        return self._task is not None and same and self.state.phase not in (Phase.FAILED, Phase.NOT_AVAILABLE)

    async def _check(self, wish: str) -> None:
        """The first steps towards a model, as far as nothing is fetched. Raises ModelError where they lead nowhere."""
        async with aclosing(self._prepare(self.settings, wish)) as steps:
            async for step in steps:
                if isinstance(step, ModelFile) or step.phase is Phase.DOWNLOADING or step.progress is not None:
                    return
                if step.phase in (Phase.FAILED, Phase.NOT_AVAILABLE):
                    raise ModelError(step.reason, step.hint)

    async def _exchange(self, wish: str) -> None:
        with self.presence.work():
            async with self._exchanging:
                try:
                    await self._bring_up(wish)
                except ShammahError as error:
                    log.warning("no model: %s", error.message)
                    self._fail(error.message, error.hint)
                except Exception as error:
                    log.exception("the model could not be brought up")
                    why = f"The model could not be loaded ({type(error).__name__})."
                    self._fail(why, f"See {paths.log_folder()}.")

    async def _bring_up(self, wish: str) -> None:
        file: ModelFile | None = None
        async with aclosing(self._prepare(self.settings, wish)) as steps:
            async for step in steps:
                if isinstance(step, ModelFile):
                    file = step
                else:
                    self._publish(advance(self.state, step))
        if file is None:
            return
        self._stands_in = file.stands_in
        self._publish(advance(self.state, BootstrapState(Phase.LOADING, file.summary, reason=self.state.reason)))
        if self.loaded is not None and self.loaded.engine.model.path == file.path:
            self.loaded.be_called(file.summary)
            self._publish(advance(self.state, BootstrapState(Phase.READY, self.loaded.summary)))
            return
        # Only now: whoever changes his mind during a download, or meets a failure, has the former model at once.
        await self._unload()
        engine = await self._open(file.path)
        try:
            loaded = LoadedModel(engine, file.summary, Adapters(self._store, engine, file.sha256))
            await loaded.adapters.follow()
            loaded.be_called(loaded.summary)
        except BaseException:
            await _to_its_end(asyncio.to_thread(engine.close))
            raise
        self.loaded = loaded
        reason = " ".join(part for part in (engine.model.notice, loaded.adapters.problem) if part)
        self._publish(advance(self.state, BootstrapState(Phase.READY, loaded.summary, reason=reason)))

    async def _open(self, path: Path) -> Engine:
        """Load in a thread. That cannot be broken off: when another model is wanted meanwhile, it ends and is freed."""
        opening = asyncio.create_task(asyncio.to_thread(self._open_engine, path, self._options()))
        try:
            return await _to_its_end(opening)
        except asyncio.CancelledError:
            if opening.exception() is None:
                await _to_its_end(asyncio.to_thread(opening.result().close))
            raise

    def _options(self) -> LoadOptions:
        model = self.settings.model
        return LoadOptions(
            device=model.device,
            context_tokens=model.context_tokens,
            slots=model.slots,
            threads=model.threads,
            flash_attention=model.flash_attention,
            kv_type=model.kv_type,
            session_folder=private_folder(paths.cache_folder() / "session"),
            attempt_note=paths.gpu_attempt(),
        )

    async def _unload(self) -> None:
        loaded, self.loaded = self.loaded, None
        if loaded is not None:
            await _to_its_end(loaded.close())

    def _fail(self, reason: str, hint: str) -> None:
        self._publish(BootstrapState(Phase.FAILED, self.state.model, reason=reason, hint=hint))

    def _publish(self, state: BootstrapState) -> None:
        if state.phase is not self.state.phase:
            log.info("%s %s", state.phase.value, state.model.name if state.model else "")
        self.state = state
        self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _to_its_end(work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
    """The result of `work`, which is never broken off: whoever is cancelled meanwhile hears of it after its end."""
    task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
