"""The person's attention, when something needs it and they look elsewhere: a notification by OSC 9, the bell, and the
title of the terminal, which says what it does. The terminal tells whether it has the focus; one that cannot is taken to
have it, so that nothing rings beside somebody who is reading.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.app import App

from shammah_tui.ui.driver import TerminalDriver
from shammah_tui.ui.plain import first_line

# An answer that took less was waited for.
LONG_SECONDS = 10.0
TEXT_CHARACTERS = 120
BELL = "\x07"


def sequence(text: str, setting: str, environment: Mapping[str, str]) -> str:
    """What is written to a terminal to call for attention; `setting` is that of the config."""
    if setting == "off":
        return ""
    if setting == "bell" or environment.get("TERM") == "linux":
        return BELL
    told = f"\x1b]9;Shammah: {first_line(text)[:TEXT_CHARACTERS]}\x07"
    if environment.get("TMUX"):
        # Goes through to the terminal where the multiplexer lets it (allow-passthrough); the bell always does.
        told = "\x1bPtmux;" + told.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return told + BELL


class Attention:
    """Of one app. `setting` is "auto", "bell" or "off"."""

    def __init__(self, app: App[None]) -> None:
        self.setting = "auto"
        self._app = app

    def call(self, text: str) -> None:
        """Say it where the person is, if they are not here."""
        driver = self._app._driver
        if driver is not None and not self._app.app_focus:
            driver.write(sequence(text, self.setting, os.environ))
            driver.flush()

    def title(self, text: str) -> None:
        """What the terminal's tab or window says; the old title comes back when the program leaves."""
        driver = self._app._driver
        if isinstance(driver, TerminalDriver) and os.environ.get("TERM") != "linux":
            driver.set_title(first_line(text))
