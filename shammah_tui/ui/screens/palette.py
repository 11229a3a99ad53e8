"""Ctrl+P: Textual's palette over our own commands."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """The palette, which in Textual 8.2 fails on a key that comes before it is built or after it is taken down."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.query(CommandList)) and super().check_action(action, parameters)
