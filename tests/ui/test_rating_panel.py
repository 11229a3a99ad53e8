"""The panel that asks for a note: its own keys work while the note is typed."""

from __future__ import annotations

import pytest

from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.rating import Given, Note, RatingPanel
from tests.ui.test_chat import showing


def panel(app: ShammahApp, ended: list[Given | None]) -> None:
    given = Given("red", correction="x = 1")
    app.push_screen(RatingPanel(given, question="Write x", answer="x = 2"), ended.append)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["n", "o", "enter"], Given("red", "no", "x = 1")),
        (["n", "o", "f6", "enter"], Given("green", "no", "x = 1")),
        (["n", "o", "escape"], Given("red", "", "x = 1")),
        (["n", "o", "home", "ctrl+d"], Given("red", "", "x = 1", removed=True)),
        (["n", "o", "home", "delete", "enter"], Given("red", "o", "x = 1")),
    ],
)
async def test_its_keys_end_it_with_what_was_given(keys: list[str], expected: Given) -> None:
    ended: list[Given | None] = []
    async with showing() as (app, _, pilot):
        panel(app, ended)
        await pilot.pause()
        assert app.screen.query_one(Note).has_focus
        picture = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "A corrected answer of 1 line goes with it." in picture
        await pilot.press(*keys)
        await pilot.pause()
        assert ended == [expected]
