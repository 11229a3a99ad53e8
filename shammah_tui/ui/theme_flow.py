"""The colours: taken by name, or looked at one after the other and chosen."""

from __future__ import annotations

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.ui import theme
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.picker import Choice, Picker, among


class ThemeFlow:
    def __init__(self, app: App[None], runtime: RuntimePort, chat: ChatScreen) -> None:
        self._app = app
        self._runtime = runtime
        self._chat = chat

    def named(self, name: str) -> None:
        """With or without "shammah-" before it."""
        known = self._app.available_themes
        matching = [theme for theme in known if name in (theme, theme.removeprefix("shammah-"))]
        if matching:
            self._take(matching[0])
        else:
            self._chat.flash(f"There is no theme {name}. There are: {', '.join(sorted(known))}")

    def choose(self) -> None:
        """Each is shown while it is looked at."""

        def look_at(name: str) -> None:
            self._app.theme = name

        before = self._app.theme
        others = sorted(set(self._app.available_themes) - theme.MEANINGS.keys())
        # The present one first: nothing changes before the person moves.
        names = sorted([*theme.MEANINGS, *others], key=lambda name: name != before)
        choices = [Choice(name, theme.MEANINGS.get(name, "comes with Textual"), name) for name in names]
        picker = Picker(among(choices), prompt="Find a theme; Esc keeps what was", looked_at=look_at)

        def chosen(name: str | None) -> None:
            if name is None:
                self._app.theme = before
            else:
                self._take(name)

        self._app.push_screen(picker, chosen)

    def _take(self, name: str) -> None:
        self._app.theme = name
        try:
            self._runtime.remember("theme", name)
        except ShammahError as error:
            complain(self._app, error)
