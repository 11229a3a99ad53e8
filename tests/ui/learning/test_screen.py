"""The learning screen with the real ratings and rules of a home, and a training that is played."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.conversation import Message
from shammah_tui.runtime.adapter_memory import Choices, TakenBack
from shammah_tui.store.rating import Rating, Snapshot
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.learning import LearningScreen
from shammah_tui.wire import AdapterSummary, RunState
from tests.ui.learning.played import ACCEPTED, RUNNING, Played
from tests.ui.script import Scripted

QUESTION = "Write a Python function that prints a start message"
ANSWER = "```python\ndef start():\n    print('start')\n```"
DARK, LIGHT, NO_COLOR = "dark", "light", "no-color"


ENDED = [
    RunState(run="run-4", status="accepted", rows=40),
    RunState(run="run-3", status="refused", message="It keeps the rule in 70 % of the cases, and 90 % are asked for."),
    RunState(run="run-2", status="failed", message="The disk is full.", hint="Make room, and press T."),
    RunState(run="run-1", status="cancelled"),
]
PAGES = ("training", "rules", "ratings", "runs", "adapters")
KEPT = [
    AdapterSummary(name=name, base="demo", created="2026-11-26T12:00:00", size_bytes=9000, fits=True, current=now)
    for name, now in (("logging-2", True), ("logging-1", False))
]


async def app_with(played: Played, *, rated: bool = True, theme: str = DARK) -> ShammahApp:
    runtime = Scripted()
    whole = await runtime.whole()
    whole._learning = played  # type: ignore[assignment]
    feedback = await whole.feedback()
    if rated:
        shot = Snapshot((Message("user", QUESTION),), ANSWER, route="local", language="python")
        await feedback.add(Rating(0, "red", shot, "use logging instead of print"))
        await feedback.add(Rating(0, "green", Snapshot((Message("user", "hi"),), "Hello."), ""))
    return ShammahApp(runtime, history=History(None), theme_name=f"shammah-{theme}")


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
    played = Played(kept=KEPT)
    app = await app_with(played)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "tab", "tab", "tab", "tab", "down", "enter")
        await pilot.pause(0.1)
        await pilot.press("b")
        await pilot.pause(0.1)
        assert played.done == ["use logging-1", "roll back"]


async def test_a_key_does_nothing_on_a_page_whose_footer_does_not_have_it() -> None:
    kept = [AdapterSummary(name="logging-1", base="demo", created="2026-11-26T12:00:00", size_bytes=9000, fits=True)]
    runs = [RunState(run="run-1", status="accepted", started_at=time.time())]
    played = Played(ACCEPTED, runs, kept=kept)
    app = await app_with(played)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "o")
        assert "off" not in text_of(screen, "#hints")
        await pilot.press("tab", "b", "tab", "o", "b", "tab", "o", "b", "tab")
        await pilot.pause(0.4)
        assert "O off" in text_of(screen, "#hints")
        await pilot.press("o")
        await pilot.pause(0.1)
        assert played.done == ["use "]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", [DARK, LIGHT, NO_COLOR])
@pytest.mark.parametrize("name", ["running", "accepted", "rules", "ratings", "runs", "adapters", "empty"])
def test_picture(
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
    name: str,
) -> None:
    if theme == NO_COLOR:
        monkeypatch.setenv("NO_COLOR", "1")
        theme = DARK
    events = {"running": RUNNING, "accepted": ACCEPTED}.get(name, ())
    played = Played(events, [RunState(run="1", status="running", started_at=time.time())] if events else ())
    if name == "runs":
        played.listed = [
            run.model_copy(update={"started_at": time.time() - 86_400 * days}) for days, run in enumerate(ENDED, 2)
        ]
    elif name == "adapters":
        played.kept = KEPT

    async def before(pilot: Pilot[Any]) -> None:
        await opened(pilot, *["tab"] * (PAGES.index(name) if name in PAGES else 0))

    app = asyncio.run(app_with(played, rated=name != "empty", theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=before)


async def test_news_without_end_does_not_keep_the_screen_from_loading() -> None:
    played = Played(kept=[AdapterSummary(name="one", base="demo", created="2026", size_bytes=1, fits=True)])
    app = await app_with(played)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "tab", "tab", "tab", "tab")
        played.kept = [AdapterSummary(name="two", base="demo", created="2026", size_bytes=1, fits=True)]

        async def slowly() -> list[RunState]:
            await asyncio.sleep(0.1)
            return []

        played.runs = slowly  # type: ignore[method-assign]
        for _ in range(40):
            screen.load()
            await asyncio.sleep(0.02)
        assert "two" in text_of(screen, "#list-body")


async def test_a_run_that_was_chosen_stays_while_ratings_come() -> None:
    runs = [RunState(run=name, status="accepted", started_at=time.time()) for name in ("run-new", "run-old")]
    app = await app_with(Played(ACCEPTED, runs))
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "tab", "tab", "tab", "down", "enter")
        assert "run-old" in text_of(screen, "#run-head")
        screen.load()
        await pilot.pause(0.5)
        assert "run-old" in text_of(screen, "#run-head")


async def test_the_chosen_entry_is_in_view_and_told_whole() -> None:
    app = await app_with(Played())
    feedback = await (await app.runtime.whole()).feedback()
    note = "name things by what they are for, and never by what they are made of, however short that name would be"
    for number in range(30):
        shot = Snapshot((Message("user", f"Question {number}"),), "A.")
        await feedback.add(Rating(0, "green", shot, f"{number}: {note}"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "tab", "tab", *["down"] * 25)
        shown = " ".join(" ".join(line.text.strip() for line in app.screen._compositor.render_strips()).split())
        assert f"4: {note}" in shown


async def test_page_keys_go_ten_runs_on_and_back() -> None:
    runs = [RunState(run=f"run-{number}", status="accepted", started_at=time.time()) for number in range(30)]
    app = await app_with(Played(ACCEPTED, runs))
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "tab", "tab", "tab", "pagedown", "pagedown", "pageup", "enter")
        assert "run-10" in text_of(screen, "#run-head")


async def test_a_run_longer_than_the_screen_is_paged_through() -> None:
    app = await app_with(Played(ACCEPTED, [RunState(run="run-1", status="accepted", started_at=time.time())]))
    async with app.run_test(size=(80, 20)) as pilot:
        screen = await opened(pilot)
        view = screen.query_one("#run-scroll")
        await pilot.press("pagedown")
        await pilot.pause()
        assert view.scroll_y == min(view.max_scroll_y, view.size.height - 1) > 0
        await pilot.press("pageup")
        await pilot.pause()
        assert view.scroll_y == 0


async def test_a_rule_tells_where_it_applies_and_how_it_was_kept_lately() -> None:
    app = await app_with(Played())
    feedback = await (await app.runtime.whole()).feedback()
    (rule,) = await feedback.rules.list()
    await feedback.observe("s", 1, ANSWER, [rule])
    await feedback.rules.put([rule.id], "learned", adapter="logging-1")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "tab")
        told = " ".join(text_of(screen, "#list-body").split())
        assert "Python, outside tests · learned · kept 0 of the last 1 · 1 rating · by logging-1" in told


async def test_an_adapter_that_was_taken_back_tells_the_figures_and_how_to_undo_it() -> None:
    kept = [AdapterSummary(name="logging-2", base="demo", created="2026-11-26T12:00:00", size_bytes=9000, fits=True)]
    back = TakenBack(reds=4, rated=5, reds_before=1, rated_before=10, probability=0.98)
    app = await app_with(Played(kept=kept, remembered=Choices(taken_back={"logging-2": back})))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "tab", "tab", "tab", "tab")
        told = " ".join(text_of(screen, "#list-body").split())
        assert "red ratings 1 of 10 → 4 of 5 (10% → 80%, worse with probability 98%). Enter takes it again." in told


async def test_colours_are_words_as_well() -> None:
    app = await app_with(Played())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "tab")
        assert "red    In Python" in text_of(screen, "#list-body")
        assert text_of(screen, "#learning-head").splitlines()[1].endswith("by itself at 10")
        await pilot.press("tab")
        await pilot.pause(0.4)
        shown = text_of(screen, "#list-body")
        assert "● red  " in shown
        assert "● green" in shown
        assert "D remove" in text_of(screen, "#hints")


async def test_keys_are_offered_only_where_there_is_an_entry_for_them() -> None:
    app = await app_with(Played(), rated=False)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "tab", "tab")
        assert "remove" not in text_of(screen, "#hints")
        await pilot.press("tab")
        await pilot.pause(0.4)
        assert "T begins one" in text_of(screen, "#list-body")
