"""F5: every setting, its value and where that comes from; Enter changes one in the file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from shammah_tui import paths
from shammah_tui.config.document import set_value
from shammah_tui.config.load import Origin, Value, load
from shammah_tui.errors import ShammahError
from shammah_tui.ui import keys
from shammah_tui.ui.plain import visible
from shammah_tui.ui.screens.editing import EditLine
from shammah_tui.ui.widgets.choices import Choices
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints

NAME_CELLS = 28
VALUE_CELLS = 24
ORIGINS = {
    Origin.DEFAULT: ("default", "$quiet"),
    Origin.FILE: ("file", "$accent"),
    Origin.ENVIRONMENT: ("environment", "$warning"),
    Origin.FLAG: ("flag", "$warning"),
}
HEAD = "in config.toml; `shammah config path` tells where"
# What holds at once; the rest is read when Shammah, or its engine, starts.
AT_ONCE = frozenset({"theme"})


class SettingsScreen(Screen[None], inherit_bindings=False):
    CSS_PATH = paths.styles_folder() / "settings.tcss"
    BINDINGS = keys.bindings("settings")

    class Changed(Message):
        """`name` is written down with this value."""

        def __init__(self, name: str, value: str) -> None:
            super().__init__()
            self.name = name
            self.value = value

    def __init__(self, flags: Mapping[str, object] | None = None) -> None:
        """`flags`: the settings that this program was started with, by their full names."""
        super().__init__()
        self._flags = flags
        self._values: list[Value] = []

    def compose(self) -> ComposeResult:
        yield Static(id="settings-head", markup=False)
        shown = Choices(id="settings", compact=True)
        shown.can_focus = False
        yield shown
        yield Static(id="setting", markup=False)
        yield Hints([*keys.in_footer("settings"), *keys.only("everywhere", "app.show_help")], id="hints")

    def on_mount(self) -> None:
        self.query_one("#settings-head", Static).update(
            Content.assemble(("Settings", "bold $accent"), (f"  {HEAD}", "$quiet"))
        )
        self._load()

    @work(exclusive=True, group="settings")
    async def _load(self) -> None:
        await self._read()

    async def _read(self) -> None:
        """Raises nothing: a file that cannot be read is told in place of the list."""
        try:
            configuration = await asyncio.to_thread(load, self._flags)
        except ShammahError as error:
            self._values = []
            self.query_one("#setting", Static).update(
                Content.assemble((visible(error.message), "$error"), "\n", visible(error.hint))
            )
            return
        self._values = list(configuration.values.values())
        shown = self.query_one(OptionList)
        before = shown.highlighted or 0
        shown.set_options(_option(value) for value in self._values)
        shown.highlighted = before

    @on(OptionList.OptionHighlighted)
    def _looked_at(self, event: OptionList.OptionHighlighted) -> None:
        value = self._values[event.option_index]
        self.query_one("#setting", Static).update(_meaning(value))

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_change()

    def action_move(self, step: int) -> None:
        shown = self.query_one(OptionList)
        if self._values:
            shown.highlighted = max(0, min(len(self._values) - 1, (shown.highlighted or 0) + step))

    @work(exclusive=True, group="settings")
    async def action_change(self) -> None:
        """Ask for another value, again while it cannot be, and write it down."""
        index = self.query_one(OptionList).highlighted
        if index is None or not self._values:
            return
        value = self._values[index]
        name, typed, trouble = value.key.full_name, "" if value.key.is_secret else value.shown, ""
        while True:
            title = f"{name}\n{trouble or value.key.description}\n{value.key.expected}"
            wanted = await self.app.push_screen_wait(EditLine(title, typed, hidden=value.key.is_secret))
            if wanted is None or (value.key.is_secret and not wanted):
                return
            typed = wanted.strip()
            try:
                await asyncio.to_thread(set_value, name, typed)
            except ShammahError as error:
                trouble = visible(f"{error.message} {error.hint}".strip())
                continue
            break
        await self._read()
        self.post_message(self.Changed(name, typed))
        if value.origin in (Origin.ENVIRONMENT, Origin.FLAG):
            self.flash(f"Written down; {value.where} stands above the file until it is gone")
        elif name in AT_ONCE:
            self.flash(f"{name} is changed")
        else:
            self.flash(f"{name} is written down, and holds from the next start on")

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)


def _option(value: Value) -> Option:
    origin, style = ORIGINS[value.origin]
    name = value.key.full_name.ljust(NAME_CELLS)
    shown = visible(value.shown).replace("\n", " ")
    if not shown:
        shown = "not set"
    shown = shown if len(shown) < VALUE_CELLS else f"{shown[: VALUE_CELLS - 2]}…"
    return Option(Content.assemble((name, "$foreground"), (shown.ljust(VALUE_CELLS), "bold"), (origin, style)))


def _meaning(value: Value) -> Content:
    key = value.key
    where = f"from {visible(value.where)}; default {visible(_default(value))}" if value.where else "this is the default"
    lines = [
        Content.styled(f"{key.description}.", "$foreground"),
        Content.styled(f"{key.expected}; {where}", "$quiet"),
    ]
    return Content("\n").join(lines)


def _default(value: Value) -> str:
    if value.key.is_secret:
        return "empty"
    default = value.key.default
    return str(default).lower() if isinstance(default, bool) else str(default) or "empty"
