"""The panel for somebody in danger: words and help lines, written by people. Any key goes back to the conversation."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from shammah_tui import paths


class HelpLines(ModalScreen[None], inherit_bindings=False):
    CSS_PATH = paths.styles_folder() / "rating.tcss"
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help-lines"):
            yield Static(Content.assemble((self._title, "bold $accent"), "\n\n", self._text), markup=False)
            yield Static(Content.styled("\nEsc or Enter goes back. Your question is in the prompt again.", "$quiet"))

    def on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "enter", "q"):
            event.stop()
            self.dismiss(None)
