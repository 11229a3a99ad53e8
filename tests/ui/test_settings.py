"""Settings on the screen: seen with where they come from, changed in the file, refused with what was expected."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList, Static

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.cli.arguments import parse
from shammah_tui.cli.configured import flags_of
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.late_runtime import LateRuntime, Opened
from shammah_tui.ui.screens.editing import EditLine
from shammah_tui.ui.screens.settings import SettingsScreen
from shammah_tui.ui.widgets.status import Hints
from tests.ui.script import Scripted
from tests.ui.test_chat import showing


def shown(app: ShammahApp) -> str:
    return type(app.screen).__name__


async def test_a_setting_is_changed_in_the_file_and_a_wrong_value_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHAMMAH_MODEL_SIZE", "demo")
    app = ShammahApp(Scripted(), history=History(None))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f5")
        await pilot.pause(0.2)
        screen = app.screen
        assert isinstance(screen, SettingsScreen)
        names = [value.key.full_name for value in screen._values]
        assert [str(value.origin) for value in screen._values if value.key.full_name == "model.size"] == ["environment"]
        await pilot.press(*["down"] * names.index("model.slots"), "enter")
        await pilot.pause(0.1)
        assert shown(app) == "EditLine"
        await pilot.press("backspace", *"900", "enter")
        await pilot.pause(0.2)
        # It cannot be, so it is asked once more, with what was typed.
        assert shown(app) == "EditLine"
        await pilot.press("backspace", "backspace", "enter")
        await pilot.pause(0.2)
        assert shown(app) == "SettingsScreen"
        text = paths.config_file().read_text()
        assert "slots = 9" in text
        assert "# How many answers the engine writes at the same time" in text
        assert next(str(value.origin) for value in screen._values if value.key.full_name == "model.slots") == "file"
        await pilot.press("escape")
        assert shown(app) == "ChatScreen"


async def test_what_a_flag_set_is_shown_as_it_holds_and_the_flag_is_named() -> None:
    flags = flags_of(parse(["--model", "1.5b", "--permission-mode", "plan"]))
    opened = Opened(Scripted(), "shammah-dark", flags=flags)
    app = ShammahApp(LateRuntime(lambda: opened), history=History(None))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("f5")
        await pilot.pause(0.2)
        assert isinstance(app.screen, SettingsScreen)
        shown = [str(option.prompt) for option in app.screen.query_one(OptionList).options]
        assert [line.split()[1:] for line in shown if line.startswith("model.size")] == [["1.5b", "flag"]]
        assert [line.split()[1:] for line in shown if line.startswith("permissions.mode")] == [["plan", "flag"]]
        names = [value.key.full_name for value in app.screen._values]
        await pilot.press(*["down"] * names.index("permissions.mode"))
        await pilot.pause()
        assert "from --permission-mode" in str(app.screen.query_one("#setting", Static).content)


async def test_the_line_to_change_tells_its_meaning_whole_and_its_keys() -> None:
    async with showing() as (app, _, pilot):
        await pilot.press("f5")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.3)
        screen = app.screen
        assert isinstance(screen, EditLine)
        assert str(screen.query_one(Hints).render()) == "Enter keep  Esc back"
        # A description of two lines, at 80 cells.
        assert screen.query_one("#rating-head").size.height == 4
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, EditLine)
