"""An error as the screen tells it: what went wrong, and the next step, for a few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shammah_tui.errors import ShammahError
from shammah_tui.ui.plain import visible

if TYPE_CHECKING:
    from textual.app import App


def complain(app: App[Any], error: ShammahError) -> None:
    app.notify(visible(error.hint), title=visible(error.message), severity="error", markup=False)
