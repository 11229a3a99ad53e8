"""The person's own editor has the terminal: what is pressed there is for it alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shammah_tui.errors import ConfigError
from shammah_tui.ui import editor
from tests.ui.pty_screen import PtyScreen, in_pty, shammah
from tests.ui.test_opening import painted, wait_until_complete

INTERRUPTED = """#!/bin/sh
trap 'heard=yes' INT
echo "in the editor"
while [ -z "$heard" ]; do sleep 0.05; done
echo "# from the editor" >> "$1"
"""
APPENDING = "#!/bin/sh\necho '#' >> $1\n"


def editor_in(folder: Path, script: str) -> str:
    file = folder / "editor"
    file.write_text(script)
    file.chmod(0o700)
    return str(file)


def text_in(report: Path) -> str:
    return str(json.loads(report.read_bytes())["text"]) if report.exists() else ""


def open_editor(shown: PtyScreen, report: Path) -> None:
    wait_until_complete(shown, report)
    shown.type(b"begun")
    shown.wait_until(lambda: text_in(report) == "begun", "not typed")
    shown.type(b"\x07")


def test_ctrl_c_in_the_editor_ends_nothing_and_loses_no_text(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with in_pty(painted(report, "0"), tmp_path, VISUAL=editor_in(tmp_path, INTERRUPTED)) as shown:
        open_editor(shown, report)
        shown.wait_for("in the editor")
        shown.type(b"\x03")
        shown.wait_until(lambda: text_in(report) == "begun# from the editor", "the text is lost")


def test_ctrl_c_in_the_editor_of_the_command_line_ends_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with in_pty(shammah("config", "edit"), home, VISUAL=editor_in(tmp_path, INTERRUPTED)) as shown:
        shown.wait_for("in the editor")
        shown.type(b"\x03")
        assert shown.end() == 0
    assert (home / "config.toml").read_text().endswith("# from the editor\n")


def test_the_mouse_stays_the_terminals_after_an_editor(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with in_pty(painted(report, "0"), tmp_path, VISUAL=editor_in(tmp_path, APPENDING)) as shown:
        wait_until_complete(shown, report)
        shown.type(b"/mouse\r")
        shown.wait_for("The mouse is the terminal's")
        open_editor(shown, report)
        shown.wait_until(lambda: text_in(report) == "begun#", "the editor did not end")
        assert shown.output.rfind(b"\x1b[?1000l") > shown.output.rfind(b"\x1b[?1000h")


def test_an_editor_that_is_no_command_is_said_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "'my editor --wait")
    with pytest.raises(ConfigError) as raised:
        editor.command()
    assert raised.value.message == "$VISUAL is no command: 'my editor --wait (No closing quotation)."
    assert raised.value.hint == "Set it to your editor, such as vim."
