"""One line to change: a rule, a note. Enter keeps it, Esc leaves it as it was."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from shammah_tui import paths
from shammah_tui.ui import keys
from shammah_tui.ui.widgets.line import Line
from shammah_tui.ui.widgets.status import Hints


class EditLine(ModalScreen[str], inherit_bindings=False):
    """Ends with the line, or with None."""

    CSS_PATH = paths.styles_folder() / "rating.tcss"
    BINDINGS = keys.bindings("line")
    AUTO_FOCUS = "Input"

    def __init__(self, title: str, line: str, *, hidden: bool = False) -> None:
        """`hidden`: the line is a secret, and is not shown while it is typed."""
        super().__init__()
        self._hidden = hidden
        self._title = title
        self._line = line

    def compose(self) -> ComposeResult:
        with Vertical(id="rating"):
            yield Static(self._title, id="rating-head", markup=False)
            yield Line(self._line, compact=True, select_on_focus=False, password=self._hidden, id="note")
            yield Hints(keys.in_footer("line"))

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_keep()

    def action_keep(self) -> None:
        if self.is_current:
            self.dismiss(self.query_one(Input).value.strip())

    def action_leave(self) -> None:
        if self.is_current:
            self.dismiss(None)
