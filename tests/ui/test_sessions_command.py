"""`/sessions` on the screen: with words it looks for them, with the beginning of an id it opens that conversation."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from shammah_tui.conversation import Entry, Message
from shammah_tui.runtime import Runtime
from shammah_tui.ui.screens.picker import Picker
from tests.test_adapter_in_use import WithAdapters, runtime_with
from tests.ui.ready_screen import picture_of, ready, shows

SAID = {"77aa01": "Write a docker file", "77bb02": "Explain this traceback"}


async def with_sessions(folder: Path) -> Runtime:
    """The real thing, with a conversation about each of `SAID` on disk."""
    runtime = runtime_with(WithAdapters(), folder)
    for session, question in SAID.items():
        said = [Entry(Message("user", question)), Entry(Message("assistant", f"About {question.lower()}."))]
        await runtime.sessions.write(session, str(folder), 0, said, 0)
    return runtime


async def test_words_are_looked_for_and_can_be_gone_on_with(tmp_path: Path) -> None:
    async with ready(await with_sessions(tmp_path)) as (app, pilot):
        await pilot.press(*"/sessions docke", "enter")
        await shows(pilot, "Write a docker file")
        assert isinstance(app.screen, Picker)
        await pilot.press("r")
        assert app.screen.query_one(Input).value == "docker"
        await shows(pilot, "Write a docker file")
        assert "Explain this traceback" not in picture_of(pilot)
        await pilot.press("enter")
        await shows(pilot, "About write a docker file.")


async def test_the_beginning_of_one_id_opens_it_and_that_of_two_lets_choose(tmp_path: Path) -> None:
    async with ready(await with_sessions(tmp_path)) as (app, pilot):
        await pilot.press(*"/sessions 77b", "enter")
        await shows(pilot, "About explain this traceback.")
        await pilot.press(*"/sessions 77", "enter")
        await shows(pilot, "No earlier conversation has these words.")
        assert isinstance(app.screen, Picker)
