"""The screen and the runtime on a real engine with the demo model, without a terminal between."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.backends import engine_process
from shammah_tui.config.settings import ModelSettings, Settings
from shammah_tui.events import Phase, TextArrived, TurnEnded
from shammah_tui.runtime import Runtime
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.widgets.status import Status

PATIENCE_SECONDS = 60
SETTINGS = Settings(model=ModelSettings(size="demo", temperature=0))


@pytest_asyncio.fixture
async def runtime(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    # A short path: the home holds the engine's socket.
    home = Path(tempfile.mkdtemp(prefix="shammah-ui-"))
    monkeypatch.setenv("SHAMMAH_HOME", str(home))
    runtime = Runtime(SETTINGS, folder=home)
    try:
        yield runtime
    finally:
        await runtime.close()
        await engine_process.stop()
        shutil.rmtree(home, ignore_errors=True)


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await pilot.pause(0.02)


async def test_a_conversation_on_the_screen(runtime: Runtime) -> None:
    app = ShammahApp(runtime, history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        app.chat.prompt.put("Write a Python function that adds two numbers")
        await pilot.press("enter")
        transcript = app.chat.transcript
        await until(pilot, lambda: not app.chat.busy)
        shown = "\n".join(transcript.plain_lines())
        assert "def " in shown
        assert "return" in shown
        status = app.chat.query_one(Status)
        assert status.tokens_per_second > 0
        await until(pilot, lambda: status.context is not None and status.context.used_tokens > 30)
        await pilot.press("f3")
        assert runtime.state.phase is Phase.READY


async def test_two_turns_and_an_interruption(runtime: Runtime) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with aclosing(runtime.ask("Write a Python function that adds two numbers")) as events:
            async for event in events:
                if isinstance(event, TextArrived):
                    break
        partial = runtime.record.last_answer
        assert partial
        assert runtime.record.entries[-1].finish_reason == "interrupted"
        async with aclosing(runtime.ask("What does the red key do?")) as events:
            heard = [event async for event in events]
        assert isinstance(heard[-1], TurnEnded)
        assert "F8" in runtime.record.last_answer
        use = await runtime.context()
        assert use is not None
        assert use.context_tokens == 4096
