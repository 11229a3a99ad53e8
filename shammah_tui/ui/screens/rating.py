"""What was wrong, or right: a small panel after a rating key. The rating itself is kept already; this adds to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from shammah_tui import paths
from shammah_tui.errors import ShammahError
from shammah_tui.store.rating import Color
from shammah_tui.ui import editor, keys, wording
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.plain import visible
from shammah_tui.ui.widgets.line import Line

MEANINGS: dict[Color, tuple[str, str, str]] = {
    "red": ("10×", "a critical error, never again", "What was wrong? “use logging instead of print”"),
    "yellow": ("3×", "prefer something else", "What would you rather have?"),
    "green": ("1×", "exactly right, remember it", "What was good about it?"),
}
COLOURS: dict[Color, str] = {"red": "$error", "yellow": "$warning", "green": "$success"}


@dataclass(frozen=True, slots=True)
class Given:
    """What the person said of an answer. `removed`: the rating is to be taken back."""

    color: Color
    note: str = ""
    correction: str = ""
    removed: bool = False


class Note(Line, inherit_bindings=False):
    BINDINGS = keys.line_bindings("ctrl+d")


class RatingPanel(ModalScreen[Given], inherit_bindings=False):
    """Ends with what was given; Esc gives no note, and the rating stays."""

    CSS_PATH = paths.styles_folder() / "rating.tcss"
    BINDINGS = keys.bindings("rating")
    AUTO_FOCUS = "Note"

    def __init__(self, given: Given, *, question: str, answer: str) -> None:
        super().__init__()
        self._given = given
        self._question = question
        self._answer = answer

    def compose(self) -> ComposeResult:
        with Vertical(id="rating"):
            yield Static(id="rating-head", markup=False)
            yield Note(self._given.note, compact=True, select_on_focus=False, id="note")
            yield Static(id="rating-more", markup=False)

    def on_mount(self) -> None:
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A key may come in the moment before it is built, or after it is taken down.
        return bool(self.query(Note))

    def action_keep(self) -> None:
        self._end(replace(self._given, note=self.query_one(Note).value.strip()))

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_keep()

    def action_skip(self) -> None:
        self._end(self._given)

    def action_remove(self) -> None:
        self._end(replace(self._given, removed=True))

    def action_color(self, color: Color) -> None:
        self._given = replace(self._given, color=color)
        self._show()

    @work(exclusive=True)
    async def action_correct(self) -> None:
        """The answer as it should have been, in the person's editor."""
        try:
            written = await editor.edit(self.app, self._given.correction or self._answer)
        except ShammahError as error:
            complain(self.app, error)
            return
        self._given = replace(self._given, correction="" if written == self._answer else written)
        self._show()

    def _end(self, given: Given) -> None:
        if self.is_current:
            self.dismiss(given)

    def _show(self) -> None:
        color = self._given.color
        weight, meaning, asked = MEANINGS[color]
        question = " ".join(visible(self._question).split())
        head = Content.assemble(
            (f"● {color} {weight}", f"bold {COLOURS[color]}"), f"  {meaning}\n", (question, "$quiet")
        )
        self.query_one("#rating-head", Static).update(head)
        self.query_one(Note).placeholder = asked
        lines = len(self._given.correction.splitlines())
        correction = f"A corrected answer of {wording.count(lines, 'line')} goes with it. " if lines else ""
        hints = Content("   ").join(
            Content.assemble((key.shown, "$accent"), (f" {key.footer}", "$quiet")) for key in keys.in_footer("rating")
        )
        self.query_one("#rating-more", Static).update(Content.assemble((correction, "$success"), hints))
