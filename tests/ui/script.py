"""A runtime that plays a script: the real port of the screen, with events that a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from shammah_tui.agent.loop import Backend
from shammah_tui.config.settings import PermissionsSettings, Settings
from shammah_tui.conversation import Usage
from shammah_tui.events import (
    Approval,
    BootstrapState,
    ModelSummary,
    PermissionAsked,
    Phase,
    TextArrived,
    TurnEnded,
    TurnEvent,
    TurnStarted,
)
from shammah_tui.runtime import ContextUse, Engine, Runtime
from shammah_tui.ui.port import Asked

DEMO = ModelSummary(
    id="demo",
    name="Shammah Demo",
    reason="The hub cannot be reached and nothing is cached, so the demo model that comes with Shammah answers.",
    file="shammah-demo-q8_0.gguf",
    quantization="Q8_0",
    size_bytes=6_300_000,
    context_tokens=4096,
    device="cpu",
    is_demo=True,
)
READY = BootstrapState(Phase.READY, DEMO)


def said(text: str, *, model: str = "Shammah Demo") -> tuple[TurnEvent, ...]:
    """A whole answer: begun, said in pieces, ended."""
    pieces = tuple(TextArrived(text[at : at + 12]) for at in range(0, len(text), 12))
    ended = TurnEnded("stop", Usage(64, len(pieces)), 0.1, 1.0, 42.0)
    return (TurnStarted(model, "local"), *pieces, ended)


@dataclass
class Scripted:
    """Answers the n-th question with the n-th script; waits at the end of one that does not end."""

    scripts: Sequence[Sequence[TurnEvent]] = ()
    state: BootstrapState = READY
    folder: Path = Path("/home/ada/project")
    use: ContextUse | None = field(default_factory=lambda: ContextUse(1234, 4096))
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    """Each question as it stood in the prompt, where that was told."""
    wished: list[Asked] = field(default_factory=list)
    """Of whom each question was asked."""
    switched: list[str] = field(default_factory=list)
    remembered: dict[str, str] = field(default_factory=dict)
    approved: list[Approval] = field(default_factory=list)
    closed: bool = False
    interrupted: int = 0
    anew: int = 0
    retried: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _whole: Runtime | None = None

    def become(self, state: BootstrapState) -> None:
        self.state = state
        self._changed.set()

    async def states(self) -> AsyncGenerator[BootstrapState, None]:
        while True:
            self._changed.clear()
            yield self.state
            await self._changed.wait()

    async def whole(self) -> Runtime:
        """The real thing, for all that is not played."""
        if self._whole is None:
            # Off: pictures are not to tell whether the machine that makes them has one.
            settings = Settings(permissions=PermissionsSettings(sandbox="off"))
            self._whole = Runtime(settings, folder=self.folder, connect=_never)
        return self._whole

    async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
        script = self.scripts[len(self.asked)] if len(self.asked) < len(self.scripts) else said(f"You said: {question}")
        self.asked.append(question)
        self.shown.append(shown)
        self.wished.append(asked)
        for event in script:
            if isinstance(event, PermissionAsked):
                async for question_of_tool in self._permission(event):
                    yield question_of_tool
                continue
            yield event
            await asyncio.sleep(0)
        if not script or not _is_end(script[-1]):
            try:
                await asyncio.Event().wait()
            finally:
                self.interrupted += 1

    async def _permission(self, scripted: PermissionAsked) -> AsyncGenerator[TurnEvent, None]:
        """As the runtime asks it: with a future of its own, which is withdrawn with the turn."""
        asked = replace(scripted, answer=asyncio.get_running_loop().create_future())
        try:
            yield asked
            self.approved.append(await asked.answer)
        finally:
            asked.answer.cancel()

    async def context(self) -> ContextUse | None:
        return self.use

    async def switch_model(self, model: str) -> None:
        self.switched.append(model)

    async def retry(self) -> None:
        self.retried += 1

    def remember(self, key: str, value: str) -> None:
        self.remembered[key] = value

    def begin_anew(self) -> None:
        self.anew += 1

    async def close(self) -> None:
        self.closed = True
        if self._whole is not None:
            await self._whole.close()


async def _never(settings: Settings, model: str | None) -> tuple[Engine, Backend]:
    await asyncio.Event().wait()
    raise AssertionError


def _is_end(event: TurnEvent) -> bool:
    from shammah_tui.events import TurnFailed

    return isinstance(event, TurnEnded | TurnFailed)
