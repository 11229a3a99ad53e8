"""What the word being typed may become: commands after `/`, files of the project after `@`. A list above the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from shammah_tui.ui.plain import visible

ROWS_MAX = 8


class Suggestion(NamedTuple):
    """`text` takes the place of the prompt from `start` to its cursor (characters of the whole text)."""

    text: str
    start: int
    shown: str
    help: str = ""


class Completion(OptionList):
    """Shown while there is something to suggest. The prompt keeps the focus, and moves and takes by its own keys."""

    can_focus = False

    class Chosen(Message):
        def __init__(self, suggestion: Suggestion) -> None:
            super().__init__()
            self.suggestion = suggestion

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True)
        self.display = False
        self._suggestions: tuple[Suggestion, ...] = ()

    @property
    def is_open(self) -> bool:
        return bool(self._suggestions)

    @property
    def suggestion(self) -> Suggestion | None:
        """The one that Tab takes."""
        index = self.highlighted
        return self._suggestions[index] if index is not None and index < len(self._suggestions) else None

    def suggest(self, suggestions: Sequence[Suggestion]) -> None:
        """Show these, the best first; nothing where there are none."""
        self._suggestions = tuple(suggestions[:ROWS_MAX])
        self.display = self.is_open
        width = max((len(suggestion.shown) for suggestion in self._suggestions), default=0)
        self.set_options(
            Option(Content.assemble((visible(item.shown).ljust(width + 2), "$accent"), (visible(item.help), "$quiet")))
            for item in self._suggestions
        )
        self.highlighted = 0 if self._suggestions else None

    def move(self, step: int) -> None:
        if self._suggestions:
            self.highlighted = ((self.highlighted or 0) + step) % len(self._suggestions)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_index < len(self._suggestions):
            self.post_message(self.Chosen(self._suggestions[event.option_index]))
