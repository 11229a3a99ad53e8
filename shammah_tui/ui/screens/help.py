"""F1: every key and command, made from the tables that also make them work."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen

from shammah_tui import paths
from shammah_tui.ui import commands, keys
from shammah_tui.ui.widgets.page import Page, turn
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints

KEY_CELLS = 12
COMMAND_CELLS = 16
HOW_TO_CHANGE = "`shammah config keys` tells how to change them"
SECTIONS: tuple[tuple[str, tuple[keys.Where, ...]], ...] = (
    ("Writing", ("prompt",)),
    ("Conversation", ("chat",)),
    ("In the conversation, after Alt+Up", ("transcript",)),
    ("Finding", ("find",)),
    ("A tool that waits for you", ("approval", "reason")),
    ("Queued messages", ("queue",)),
    ("Everywhere", ("everywhere",)),
    ("Rating panel", ("rating",)),
    ("Learning", ("learning",)),
    ("Model", ("model",)),
    ("Settings", ("settings",)),
    ("Choosing from a list", ("picker",)),
    ("A line to change", ("line",)),
    ("This help", ("help",)),
)


class Reference(Page):
    """The text of the help, as wide as the screen allows."""

    def lines(self, width: int) -> list[Content]:
        head = Content.assemble(("Keys", "bold $accent"), (f"  {HOW_TO_CHANGE}", "$quiet"))
        lines = [head.truncate(width, ellipsis=True)]
        for title, where in SECTIONS:
            lines += [Content(""), Content.styled(title, "bold")]
            for key in keys.table():
                if key.where in where and key.help:
                    lines += _entry(key.shown, key.help, KEY_CELLS, width)
        lines += [Content(""), Content.styled("Commands", "bold $accent"), Content("")]
        for command in commands.TABLE:
            lines += _entry(command.usage, command.help, COMMAND_CELLS, width)
        return lines


def _entry(name: str, meaning: str, cells: int, width: int) -> list[Content]:
    wrapped = Content(meaning).wrap(max(8, width - cells - 2))
    first = Content.assemble("  ", (name.ljust(cells), "$accent"))
    return [first + wrapped[0], *(Content(" " * (cells + 2)) + line for line in wrapped[1:])]


class HelpScreen(Screen[None], inherit_bindings=False):
    CSS_PATH = paths.styles_folder() / "help.tcss"
    BINDINGS = keys.bindings("help")
    AUTO_FOCUS = "VerticalScroll"

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Reference()
        yield Hints(keys.in_footer("help"), id="hints")

    def action_page(self, step: int) -> None:
        turn(self.query_one(VerticalScroll), step)

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)
