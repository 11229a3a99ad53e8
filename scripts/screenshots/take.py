"""Takes the README's pictures: the real screen on the real engine with the demo model, driven by its keys.

Everything happens in a Shammah home of its own, which is gone afterwards; the pictures lie beside this file.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import aclosing
from pathlib import Path

from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.backends import engine_process
from shammah_tui.config.settings import Settings
from shammah_tui.events import Phase
from shammah_tui.runtime import Runtime
from shammah_tui.ui.app import ShammahApp

FOLDER = Path(__file__).parent
SIZE = (96, 28)
PATIENCE_SECONDS = 120.0
FLAGGED = "Write a Python function start_server that reports that the server started"
ASKED_AFTERWARDS = "Write a Python function stop_server that reports that the server stopped"


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="shammah-pictures-") as ground:
        home = str(Path(ground) / "home")
        os.environ["SHAMMAH_HOME"] = home
        folder = Path(ground) / "shop"
        folder.mkdir()
        runtime = Runtime(Settings(), folder=folder, model="demo")
        app = ShammahApp(runtime, history=History(Path(home) / "history.jsonl"))
        try:
            async with app.run_test(size=SIZE) as pilot:
                await take_all(app, pilot, runtime)
        finally:
            await runtime.close()
            await engine_process.stop()


async def take_all(app: ShammahApp, pilot: Pilot[None], runtime: Runtime) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await ready(runtime)
        await keep(app, pilot, "welcome")
        for question in ("What does the red key do?", FLAGGED):
            await ask(app, pilot, question)
        await pilot.press("f8")
        await pilot.pause(0.5)
        await pilot.press(*names("use logging instead of print"), "enter")
        await pilot.pause(1.0)
        app.clear_notifications()
        await ask(app, pilot, ASKED_AFTERWARDS)
        await keep(app, pilot, "conversation")
        await pilot.press(*names("create hello.py that prints hello and run it"), "enter")
        while app.screen is app.chat:
            await pilot.pause(0.1)
        await keep(app, pilot, "approval")
        await pilot.press("escape")
        await pilot.pause(1.0)
        await pilot.press("escape")
        await pilot.pause(0.5)
        await pilot.press("f4")
        await pilot.pause(1.0)
        await pilot.press("tab")
        await keep(app, pilot, "learning")
        await pilot.press("f3")
        await keep(app, pilot, "model")
        await pilot.press("f1")
        await keep(app, pilot, "keys")


async def ask(app: ShammahApp, pilot: Pilot[None], question: str) -> None:
    await pilot.press(*names(question), "enter")
    await pilot.pause()
    for turn in [worker for worker in app.workers if worker.group == "turn"]:
        await turn.wait()


async def ready(runtime: Runtime) -> None:
    async with aclosing(runtime.states()) as states:
        async for state in states:
            if state.phase is Phase.READY:
                return


def names(text: str) -> list[str]:
    """The keys that type `text`, as Pilot names them."""
    named = {" ": "space", "?": "question_mark", ".": "full_stop", "_": "underscore"}
    return [named.get(character, character) for character in text]


async def keep(app: ShammahApp, pilot: Pilot[None], name: str) -> None:
    # The transcript is drawn on a timer, and the cursor blinks.
    await asyncio.sleep(0.5)
    await pilot.pause()
    (FOLDER / f"{name}.svg").write_text(app.export_screenshot(title="Shammah", simplify=True), encoding="utf-8")
    print(f"{name}.svg")


if __name__ == "__main__":
    asyncio.run(main())
