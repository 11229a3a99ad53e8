"""The screen over a real runtime whose model is ready, and waiting for what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.runtime import Runtime
from shammah_tui.ui.app import ShammahApp


@asynccontextmanager
async def ready(runtime: Runtime) -> AsyncIterator[tuple[ShammahApp, Pilot[None]]]:
    app = ShammahApp(runtime, history=History(None))
    async with app.run_test(size=(110, 30)) as pilot:
        await shows(pilot, "is ready")
        yield app, pilot


def picture_of(pilot: Pilot[None]) -> str:
    return "\n".join(line.text for line in pilot.app.screen._compositor.render_strips())


async def shows(pilot: Pilot[None], words: str) -> None:
    """Wait until the words are on the screen."""
    for _ in range(200):
        if words in picture_of(pilot):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"waited for {words!r}\n{picture_of(pilot)}")
