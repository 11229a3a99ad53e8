"""Ctrl+P: find a command by some of its letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from shammah_tui.ui import keys
from shammah_tui.ui.widgets.ordered import run_binding

NAME_CELLS = 22


@dataclass(frozen=True, slots=True)
class Entry:
    """`action` and its arguments are the app's."""

    name: str
    help: str
    action: str
    arguments: tuple[str, ...] = ()


class Search(Input):
    async def _on_key(self, event: events.Key) -> None:
        await run_binding(self, event)


class Palette(ModalScreen[Entry], inherit_bindings=False):
    """Ends with the entry that was chosen, or with None."""

    BINDINGS = keys.bindings("palette")
    AUTO_FOCUS = "Search"

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = tuple(entries)
        self._found = self._entries

    def compose(self) -> ComposeResult:
        with Vertical(id="palette"):
            yield Search(placeholder="Find a command", compact=True, id="search")
            found = OptionList(*map(_option, self._entries), id="found", compact=True)
            found.can_focus = False
            found.highlighted = 0
            yield found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A key may come in the moment before it is built, or after it is taken down.
        return bool(self.query(OptionList))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._found = _matching(event.value.strip(), self._entries)
        found = self.query_one(OptionList)
        found.set_options(map(_option, self._found))
        found.highlighted = 0 if self._found else None

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option_index)

    @on(Input.Submitted)
    def action_choose(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self._choose(index)

    def action_move(self, step: int) -> None:
        """Down from the last goes to the first."""
        found = self.query_one(OptionList)
        if self._found:
            found.highlighted = ((found.highlighted or 0) + step) % len(self._found)

    def action_close(self) -> None:
        if self.is_current:
            self.dismiss(None)

    def _choose(self, index: int) -> None:
        if self.is_current and index < len(self._found):
            self.dismiss(self._found[index])


def _matching(text: str, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries that have the letters of `text` in this order, the best first; all where there is no text."""
    if not text:
        return entries
    matcher = Matcher(text)
    scored = [(matcher.match(f"{entry.name} {entry.help}"), entry) for entry in entries]
    return tuple(entry for score, entry in sorted(scored, key=lambda pair: -pair[0]) if score > 0)


def _option(entry: Entry) -> Option:
    return Option(Content.assemble((entry.name.ljust(NAME_CELLS), "$accent"), (entry.help, "$quiet")))
