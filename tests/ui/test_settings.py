"""Settings on the screen: seen with where they come from, changed in the file, refused with what was expected."""

from __future__ import annotations

import pytest

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.settings import SettingsScreen
from tests.ui.script import Scripted


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
