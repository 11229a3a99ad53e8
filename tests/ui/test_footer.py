"""What the last line says works here."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from shammah_tui.agent.history import History
from shammah_tui.runtime import ContextUse
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.editing import EditLine
from shammah_tui.ui.widgets.choices import Choices
from shammah_tui.ui.widgets.status import Hints, Status
from tests.ui.script import Scripted, said


def line(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one(Hints).render())


async def test_every_screen_and_rating_is_named_in_eighty_columns() -> None:
    app = ShammahApp(Scripted([said("Two.")]), history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert line(pilot) == "Enter send  F1 help  F3 model  F4 learning  F5 settings  Ctrl+J newline"
        await pilot.press("h", "i", "enter")
        await pilot.pause(0.2)
        assert line(pilot) == "Enter send  F6/F7/F8 rate  F1 help  F3 model  F4 learning  F5 settings"


async def test_a_list_and_a_line_say_how_to_leave_them() -> None:
    app = ShammahApp(Scripted(), history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        assert line(pilot) == "Enter choose  Esc back"
        assert app.screen.query_one(Choices).render_line(0).text.startswith("›")
        await pilot.press("escape")
        app.push_screen(EditLine("The rule", "use logging"))
        await pilot.pause(0.2)
        assert line(pilot) == "Enter keep  Esc back"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, "42 tok/s  context 512/4k (12%)  ? ask · no sandbox"),
        (80, "answering 12 s  42 tok/s  ctx 12%  ? ask · no sandbox"),
        (40, "? ask · no sandbox"),
    ],
)
async def test_the_speed_is_told_in_eighty_columns_and_how_tools_are_judged_in_all(width: int, shown: str) -> None:
    app = ShammahApp(Scripted(), history=History(None))
    async with app.run_test(size=(width, 24)) as pilot:
        status = app.chat.query_one(Status)
        while status.sandbox is None:
            await pilot.pause(0.02)
        status.activity, status.tokens_per_second, status.context = "answering 12 s", 42.0, ContextUse(512, 4096)
        await pilot.pause()
        line = str(status.render())
        assert line.endswith(shown)
        assert len(line) <= width
