"""What the learning screen needs of whatever trains and keeps adapters: `runtime.learning.Learning` is it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from shammah_tui.runtime.adapter_memory import Choices
from shammah_tui.wire import AdapterSummary, RunState


class Status(Protocol):
    @property
    def news(self) -> str:
        """Something ended, in a sentence; empty where nothing did."""
        ...


class AdapterChoice(Protocol):
    @property
    def session(self) -> str | None:
        """What the person chose since the program began: a name, or "off"; None where nothing."""
        ...

    @property
    def root(self) -> Path:
        """Of the project."""
        ...


class LearningPort(Protocol):
    """All raise ShammahError."""

    async def runs(self) -> Sequence[RunState]:
        """The newest first."""
        ...

    def follow(self, run: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """The run's events from its start; ends with the run."""
        ...

    async def train(self) -> str:
        """Begin a run on what was rated; its id."""
        ...

    async def cancel(self) -> None: ...

    @property
    def adapter_choice(self) -> AdapterChoice: ...

    async def choices(self) -> Choices:
        """What is remembered of adapters."""
        ...

    async def adapters(self) -> Sequence[AdapterSummary]:
        """The newest first."""
        ...

    async def use(self, name: str) -> None:
        """Answer with this adapter from now on; with none where `name` is empty."""
        ...

    def statuses(self) -> AsyncGenerator[Status, None]:
        """What to show of it, from now on."""
        ...

    async def roll_back(self) -> str:
        """Go back to the adapter before; its name, empty for the model as it came."""
        ...
