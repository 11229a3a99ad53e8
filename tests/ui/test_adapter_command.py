"""`/adapter` on the screen: completed, taken, shown in the status line and below the answer."""

from __future__ import annotations

from shammah_tui.ui.screens.picker import Picker
from shammah_tui.ui.suggesting import suggestions
from tests.test_adapter_in_use import WithAdapters, runtime_with
from tests.ui.ready_screen import ready, shows


async def test_an_adapter_is_chosen_by_name_and_left_to_shammah_again() -> None:
    async with ready(runtime_with(WithAdapters())) as (_, pilot):
        await pilot.press(*"/adapter ru")
        await shows(pilot, "  rusty")
        await pilot.press("tab", "enter")
        await shows(pilot, "◆ rusty")
        await pilot.press(*"Write Python", "enter")
        await shows(pilot, "adapter rusty: your choice")
        await pilot.press(*"/adapter off", "enter")
        await shows(pilot, "The model as it came answers from now on")
        await pilot.press(*"/adapter auto", "enter")
        await shows(pilot, "every answer tells which")
        await pilot.press(*"Write Rust", "enter")
        await shows(pilot, "adapter rusty: learned for Rust")


async def test_alone_it_lists_them_with_who_answers_and_one_is_taken() -> None:
    async with ready(runtime_with(WithAdapters())) as (app, pilot):
        await pilot.press(*"/adapter project rusty", "enter")
        await shows(pilot, "rusty answers from now on")
        await pilot.press(*"/adapter", "enter")
        await shows(pilot, "made for another model")
        assert isinstance(app.screen, Picker)
        await shows(pilot, "this project's")
        await pilot.press("enter")
        await shows(pilot, "◆ rusty")


def test_names_complete_the_command_and_nothing_else() -> None:
    names = ["rusty", "off", "project"]
    assert [found.shown for found in suggestions("/adapter r", (), names)] == ["rusty"]
    assert [found.shown for found in suggestions("/adapter project o", (), names)] == ["off"]
    assert suggestions("/adapter rusty", (), names) == []
