"""A line to type in, among the keys of the screen that it stands on."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from shammah_tui.ui.widgets.ordered import run_binding


class Line(Input):
    """Its keys do what they do in the order in which they were pressed. Its cursor stands still, as the prompt's."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        await run_binding(self, event)
