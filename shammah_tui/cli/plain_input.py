"""Reading one line of the line mode: with the terminal's own line editing where Python has readline, with history and
Tab. Nothing is written here but the prompt.
"""

from __future__ import annotations

import os
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

from shammah_tui.agent.history import History
from shammah_tui.agent.project_file import listed

# A line that ends so goes on in the next one.
GOES_ON = "\\"
CHOICES_MAX = 50


class LineInput:
    """`folder` is where the files after `@` are completed from."""

    def __init__(self, history: History, folder: Path) -> None:
        self._history = history
        self._folder = folder
        self._found: list[str] = []
        self._readline = _readline()
        if self._readline is not None:
            for text in reversed(history.texts):
                if "\n" not in text:
                    self._readline.add_history(text)
            self._readline.set_auto_history(False)
            self._readline.set_completer_delims(" \t\n")
            self._readline.set_completer(self._complete)
            editline = "libedit" in (self._readline.__doc__ or "")
            self._readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")

    def read(self, prompt: str) -> str:
        """What was typed, over several lines where they end in a backslash. Raises EOFError, KeyboardInterrupt."""
        lines = [input(prompt)]
        while lines[-1].endswith(GOES_ON):
            lines[-1] = lines[-1].removesuffix(GOES_ON)
            lines.append(input("... "))
        return "\n".join(lines).strip()

    def keep(self, text: str) -> None:
        """For Up, in this session and later ones. Raises OSError where it cannot be written."""
        if self._readline is not None and "\n" not in text:
            self._readline.add_history(text)
        self._history.add(text)

    def ask(self, prompt: str) -> str:
        """An answer to a question of ours: what was typed before it was asked does not count, and nothing is kept."""
        with suppress(termios.error, ValueError, OSError):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        try:
            return input(prompt).strip()
        except EOFError:
            print()
            return ""

    def _complete(self, word: str, number: int) -> str | None:
        """Called by readline with 0, 1, 2 …"""
        if number == 0:
            self._found = self._completions(word)
        return self._found[number] if number < len(self._found) else None

    def _completions(self, word: str) -> list[str]:
        if word.startswith("/") and self._readline is not None and self._readline.get_begidx() == 0:
            from shammah_tui.ui import commands

            return [f"/{command.name} " for command in commands.TABLE if f"/{command.name}".startswith(word)]
        if word.startswith("@"):
            files = listed(self._folder)
            return [f"@{name}" for name in files if name.startswith(word[1:])][:CHOICES_MAX]
        return []


def _readline() -> Any:
    try:
        import readline
    except ImportError:  # Python without it, and Windows
        return None
    if os.environ.get("TERM", "dumb") == "dumb":
        readline.parse_and_bind("set enable-bracketed-paste off")
    return readline
