"""The runtime before it is there: the screen shows first, and what reads settings and reaches the engine comes later.

Whoever asks meanwhile waits. Where it cannot be opened (a setting is wrong), every question fails with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shammah_tui.errors import ShammahError
from shammah_tui.state import BootstrapState, Phase
from shammah_tui.ui.port import Asked, ContextUse, RuntimePort

if TYPE_CHECKING:
    from shammah_tui.config.load import KeyWish
    from shammah_tui.events import TurnEvent
    from shammah_tui.runtime import Runtime


class Opened(NamedTuple):
    """What the settings brought: who answers, the theme, and what is odd about them. `flags`: those that were given
    with the command."""

    runtime: RuntimePort
    theme: str
    resume: str | None = None
    """The session to go on with; empty lets the person choose, None begins a new one."""
    warnings: tuple[str, ...] = ()
    keys: tuple[KeyWish, ...] = ()
    notifications: str = "auto"
    flags: Mapping[str, object] | None = None


class LateRuntime:
    """A RuntimePort; see there. `load` runs in a thread, once, from `open()` on, and raises ShammahError."""

    def __init__(self, load: Callable[[], Opened]) -> None:
        self._load = load
        self._opening: asyncio.Task[Opened] | None = None
        self._wanted = asyncio.Event()
        self._runtime: RuntimePort | None = None

    async def open(self) -> Opened:
        """Raises ShammahError."""
        self._wanted.set()
        return await self._opened()

    async def _opened(self) -> Opened:
        await self._wanted.wait()
        if self._opening is None:
            self._opening = asyncio.create_task(asyncio.to_thread(self._load), name="open-runtime")
        # One reader that gives up is not to take it from the others.
        opened = await asyncio.shield(self._opening)
        self._runtime = opened.runtime
        return opened

    @property
    def folder(self) -> Path:
        return self._runtime.folder if self._runtime is not None else Path.cwd()

    @property
    def state(self) -> BootstrapState:
        return self._runtime.state if self._runtime is not None else BootstrapState(Phase.INITIALIZING)

    async def states(self) -> AsyncGenerator[BootstrapState, None]:
        opened = await self._opened()
        async with aclosing(opened.runtime.states()) as states:
            async for state in states:
                yield state

    async def whole(self) -> Runtime:
        return await (await self._opened()).runtime.whole()

    async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
        try:
            opened = await self._opened()
        except ShammahError as error:
            from shammah_tui.events import TurnFailed

            yield TurnFailed(error.message, error.hint, error.exit_code)
            return
        async with aclosing(opened.runtime.ask(question, shown=shown, asked=asked)) as events:
            async for event in events:
                yield event

    async def context(self) -> ContextUse | None:
        return await (await self._opened()).runtime.context()

    async def switch_model(self, model: str) -> None:
        await (await self._opened()).runtime.switch_model(model)

    async def retry(self) -> None:
        await (await self._opened()).runtime.retry()

    def remember(self, key: str, value: str) -> None:
        from shammah_tui.config.document import set_value

        set_value(key, value)

    def begin_anew(self) -> None:
        # Before it is there, there is nothing to forget.
        if self._runtime is not None:
            self._runtime.begin_anew()

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._runtime is not None:
            await self._runtime.close()
