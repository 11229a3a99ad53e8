"""The learning screen with the real ratings and rules of a home, and a training that is played."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.conversation import Message
from shammah_tui.store.rating import Rating, Snapshot
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.learning import LearningScreen
from shammah_tui.wire import AdapterSummary, RunState
from tests.ui.learning.played import ACCEPTED, RUNNING, Played
from tests.ui.script import Scripted

QUESTION = "Write a Python function that prints a start message"
ANSWER = "```python\ndef start():\n    print('start')\n```"
DARK, LIGHT = "shammah-dark", "shammah-light"


async def app_with(played: Played, *, rated: bool = True, theme: str = DARK) -> ShammahApp:
    runtime = Scripted()
    whole = await runtime.whole()
    whole._learning = played  # type: ignore[assignment]
    feedback = await whole.feedback()
    if rated:
        shot = Snapshot((Message("user", QUESTION),), ANSWER, route="local", language="python")
        await feedback.add(Rating(0, "red", shot, "use logging instead of print"))
        await feedback.add(Rating(0, "green", Snapshot((Message("user", "hi"),), "Hello."), ""))
    return ShammahApp(runtime, history=History(None), theme_name=theme)


async def opened(pilot: Pilot[None], *keys: str) -> LearningScreen:
    await pilot.press("f4")
    screen = pilot.app.screen
    assert isinstance(screen, LearningScreen)
    await screen.loaded.wait()
    await pilot.press(*keys)
    # Longer than a beat of its drawing.
    await pilot.pause(0.4)
    return screen


def text_of(screen: LearningScreen, where: str) -> str:
    return str(screen.query_one(where).render())


async def test_an_empty_home_is_told_what_to_do() -> None:
    app = await app_with(Played(), rated=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        assert "Nothing was trained yet" in text_of(screen, "#run-head")
        assert "0 new" in text_of(screen, "#learning-head")


async def test_a_run_is_watched_and_cancelled() -> None:
    played = Played(RUNNING, [RunState(run="1", status="running", started_at=time.time())])
    app = await app_with(played)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert "step 41 of 60" in text_of(screen, "#run-head")
        assert "tokens/s" in text_of(screen, "#run-body")
        await pilot.press("c")
        await pilot.pause()
        assert played.done == ["cancel"]


async def test_training_is_begun_by_a_key() -> None:
    played = Played()
    app = await app_with(played)
    async with app.run_test() as pilot:
        await opened(pilot, "t")
        assert played.done == ["train"]


async def test_a_rule_is_switched_off_and_its_rating_taken_back() -> None:
    app = await app_with(Played())
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "tab")
        assert "logging" in text_of(screen, "#list-body")
        await pilot.press("o")
        await pilot.pause(0.2)
        feedback = await (await app.runtime.whole()).feedback()
        assert [rule.state for rule in await feedback.rules.list()] == ["off"]
        await pilot.press("tab", "d")
        await pilot.pause(0.2)
        assert len(await feedback.ratings.list()) == 1


async def test_an_adapter_is_used_and_rolled_back() -> None:
    kept = [
        AdapterSummary(name=name, base="demo", created="2026-11-26T12:00:00", size_bytes=9000, fits=True, current=now)
        for name, now in (("logging-2", True), ("logging-1", False))
    ]
    played = Played(kept=kept)
    app = await app_with(played)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "tab", "tab", "tab", "tab", "down", "enter")
        await pilot.pause(0.1)
        await pilot.press("b")
        await pilot.pause(0.1)
        assert played.done == ["use logging-1", "roll back"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("name", ["running", "accepted", "rules", "empty"])
def test_picture(
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
    name: str,
) -> None:
    import asyncio

    events = {"running": RUNNING, "accepted": ACCEPTED}.get(name, ())
    played = Played(events, [RunState(run="1", status="running", started_at=time.time())] if events else ())
    keys = ["tab"] if name == "rules" else []

    async def before(pilot: Pilot[Any]) -> None:
        await opened(pilot, *keys)

    app = asyncio.run(app_with(played, rated=name != "empty", theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=before)
