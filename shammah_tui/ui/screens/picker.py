"""Choose one of many by some of its letters: a command, something sent before, a conversation, a theme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from shammah_tui import paths
from shammah_tui.errors import ShammahError
from shammah_tui.ui import keys
from shammah_tui.ui.plain import visible
from shammah_tui.ui.widgets.choices import Choices
from shammah_tui.ui.widgets.line import Line
from shammah_tui.ui.widgets.status import Hints

T = TypeVar("T")
NAME_CELLS = 23
GAP = "  "


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """`value` is what choosing it gives; `name` stands in the first column, `help` beside it."""

    name: str
    help: str
    value: T


Find = Callable[[str], Awaitable[Sequence[Choice[T]]]]
"""The choices for what was typed so far, the best first. May raise ShammahError, which is shown in their place."""


def among(choices: Sequence[Choice[T]]) -> Find[T]:
    """Finds in a fixed list: those that have the letters typed in this order."""

    async def find(text: str) -> Sequence[Choice[T]]:
        if not text:
            return choices
        matcher = Matcher(text)
        scored = [(matcher.match(f"{choice.name} {choice.help}"), choice) for choice in choices]
        return [choice for score, choice in sorted(scored, key=lambda pair: -pair[0]) if score > 0]

    return find


class Search(Line):
    """What is looked for."""


class Picker(ModalScreen[T], inherit_bindings=False):
    """Ends with the value that was chosen, or with None. `looked_at` hears each one as it is highlighted. `empty` is
    said where nothing was found, `nothing` where there is nothing to find. `words` are looked for to begin with."""

    CSS_PATH = paths.styles_folder() / "picker.tcss"
    BINDINGS = keys.bindings("picker")
    AUTO_FOCUS = "Search"

    def __init__(
        self,
        find: Find[T],
        *,
        prompt: str,
        empty: str = "Nothing has these letters.",
        nothing: str = "",
        name_cells: int = NAME_CELLS,
        looked_at: Callable[[T], None] | None = None,
        words: str = "",
    ) -> None:
        super().__init__()
        self._find = find
        self._prompt = prompt
        self._empty = empty
        self._nothing = nothing or empty
        self._name_cells = name_cells
        self._looked_at = looked_at
        self._words = words
        self._found: Sequence[Choice[T]] = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="picker"):
            yield Search(self._words, self._prompt, compact=True, select_on_focus=False, id="search")
            found = Choices(id="found", compact=True)
            found.can_focus = False
            yield found
            yield Static(id="none", markup=False)
        yield Hints(keys.in_footer("picker"), id="hints")

    def on_mount(self) -> None:
        self.query_one("#none").display = False
        self._look_for(self._words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A key may come in the moment before it is built, or after it is taken down.
        return bool(self.query(OptionList))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look_for(event.value.strip())

    @work(exclusive=True)
    async def _look_for(self, text: str) -> None:
        told = self._empty if text else self._nothing
        try:
            self._found = await self._find(text)
        except ShammahError as error:
            self._found, told = (), visible(str(error))
        found = self.query_one(OptionList)
        found.set_options(self._option(choice) for choice in self._found)
        found.highlighted = 0 if self._found else None
        none = self.query_one("#none", Static)
        none.update(told)
        none.display = not self._found

    def _option(self, choice: Choice[T]) -> Option:
        name = visible(choice.name)
        return Option(
            Content.assemble((name.ljust(self._name_cells), "$accent"), GAP, (visible(choice.help), "$quiet"))
        )

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if self._looked_at is not None and event.option_index < len(self._found):
            self._looked_at(self._found[event.option_index].value)

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
            self.dismiss(self._found[index].value)
