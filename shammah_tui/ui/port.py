"""What the screen needs of whatever answers: `runtime.Runtime` is it, and a script of events in tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from shammah_tui.state import BootstrapState

if TYPE_CHECKING:
    from shammah_tui.events import TurnEvent

if TYPE_CHECKING:
    from shammah_tui.runtime import Runtime

Asked = Literal["", "local", "cloud"]


class ContextUse(Protocol):
    @property
    def used_tokens(self) -> int: ...

    @property
    def context_tokens(self) -> int: ...


class RuntimePort(Protocol):
    """See `shammah_tui.runtime.Runtime`, which says what each does and raises."""

    @property
    def folder(self) -> Path: ...

    @property
    def state(self) -> BootstrapState: ...

    def states(self) -> AsyncGenerator[BootstrapState, None]: ...

    def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]: ...

    async def whole(self) -> Runtime:
        """All of the runtime, for what a person does now and then; raises ShammahError where it cannot be opened."""
        ...

    async def context(self) -> ContextUse | None: ...

    async def switch_model(self, model: str) -> None: ...

    async def retry(self) -> None: ...

    def remember(self, key: str, value: str) -> None: ...

    def begin_anew(self) -> None: ...

    async def close(self) -> None: ...
