"""A transcript and nothing else, for tests of the transcript itself."""

from __future__ import annotations

from textual.app import App, ComposeResult

from shammah_tui.ui import theme
from shammah_tui.ui.widgets.transcript import Transcript


class Bench(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(theme.DARK)
        self.theme = theme.DARK.name

    def compose(self) -> ComposeResult:
        yield Transcript()
