"""Somebody who looks elsewhere is called; somebody who is here is not."""

from __future__ import annotations

import pytest
from textual import events

from shammah_tui.agent.history import History
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.attention import sequence
from tests.ui import tool_script
from tests.ui.script import Scripted, said


def test_a_notification_and_the_bell_by_setting_and_terminal() -> None:
    assert sequence("done", "auto", {"TERM": "xterm"}) == "\x1b]9;Shammah: done\x07\x07"
    assert sequence("done", "auto", {"TERM": "tmux", "TMUX": "x"}).startswith("\x1bPtmux;\x1b\x1b]9;")
    assert sequence("done", "auto", {"TERM": "linux"}) == "\x07"
    assert sequence("done", "bell", {}) == "\x07"
    assert sequence("done", "off", {}) == ""
    assert "\x1b[31m" not in sequence("\x1b[31mred", "auto", {})


async def test_a_question_about_a_tool_calls_only_who_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = [tool_script.asking(tool_script.ASK_COMMIT), said("Yes.")]
    for away in (True, False):
        app = ShammahApp(Scripted(asking), history=History(None))
        async with app.run_test(size=(80, 24)) as pilot:
            written: list[str] = []
            assert app._driver is not None
            monkeypatch.setattr(app._driver, "write", written.append)
            if away:
                app.post_message(events.AppBlur())
            await pilot.pause()
            app.chat.send("Commit it")
            await pilot.pause(0.2)
            called = [text for text in written if "\x1b]9;Shammah: Bash waits for your answer" in text]
            assert len(called) == away
            app.chat.deny_all()


async def test_ctrl_x_ctrl_e_opens_the_editor_and_ctrl_x_alone_cuts_only_a_selection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    app = ShammahApp(Scripted(), history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        opened: list[bool] = []
        monkeypatch.setattr(app.chat.prompt, "action_open_editor", lambda: opened.append(True))
        await pilot.press(*"one", "ctrl+x", "ctrl+e")
        assert opened == [True]
        await pilot.press("ctrl+x", "left", "ctrl+e")
        assert (opened, app.chat.prompt.text) == ([True], "one")
        await pilot.press("shift+left", "ctrl+x")
        assert app.chat.prompt.text == "on"
