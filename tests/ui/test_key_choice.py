"""What the person's own keys may be, and what is said of those that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.config.document import set_value
from shammah_tui.config.load import KeyWish, load
from shammah_tui.ui import keys
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.key_choice import choose
from tests.ui.script import Scripted, said


def wish(identity: str, key: str) -> KeyWish:
    return KeyWish(identity, key, "config.toml, line 7")


def test_a_key_is_changed_by_the_name_of_what_it_does() -> None:
    chosen = choose([wish("chat.rate.red", "F9"), wish("prompt.recall", "alt+r,Ctrl+Alt+R")])
    assert chosen.keys == {"chat.rate.red": "f9", "prompt.recall": "alt+r,ctrl+alt+r"}
    assert chosen.problems == ()


def test_two_keys_can_change_places() -> None:
    assert choose([wish("chat.rate.red", "f6"), wish("chat.rate.green", "f8")]).problems == ()


@pytest.mark.parametrize(
    ("identity", "key", "words"),
    [
        ("chat.rate.blue", "f9", 'Did you mean "chat.rate'),
        ("chat.rate.red", "1", "a character"),
        ("chat.rate.red", "ctrl+b", "tmux"),
        ("chat.rate.red", "f99", "no key"),
        ("chat.rate.red", "hyperspace+x", "no key"),
        ("chat.rate.red", "f7", "F7 is"),
        ("chat.rate.red", "f1", "F1 is"),
        ("chat.rate.red", "ctrl+a", "in the prompt"),
        ("prompt.recall", "x", "a character"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_keeps_the_default(identity: str, key: str, words: str) -> None:
    chosen = choose([wish(identity, key), wish("chat.find", "f12")])
    assert chosen.keys == {"chat.find": "f12"}
    (problem,) = chosen.problems
    assert words in problem
    assert problem.startswith(f'config.toml, line 7: "{identity}" cannot be "{key}"')


def test_the_file_tells_the_line_and_keeps_what_it_does_not_know(own_ground: Path) -> None:
    path = paths.config_file()
    path.parent.mkdir(parents=True)
    path.write_text('[keys]\n"chat.rate.red" = "f9"\nchat.find = "f12"\n"from.later" = "f10"\n"chat.rate.green" = 6\n')
    configuration = load()
    assert {found.id: (found.keys, found.place) for found in configuration.keys} == {
        "chat.rate.red": ("f9", f"{path}, line 2"),
        "chat.find": ("f12", f"{path}, line 3"),
        "from.later": ("f10", f"{path}, line 4"),
    }
    assert "line 5" in configuration.warnings[0]
    set_value("theme", "shammah-light")
    assert '"from.later" = "f10"' in path.read_text()


async def test_the_changed_key_works_and_the_footer_and_help_show_it() -> None:
    app = ShammahApp(Scripted(scripts=[said("Yes.")]), history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        app._bind((wish("everywhere.show_help", "f12"),))
        await pilot.press("f12")
        await pilot.pause()
        assert type(app.screen).__name__ == "HelpScreen"
        assert next(key.shown for key in keys.table() if key.action == "app.show_help") == "F12"
        await pilot.press("escape")
        await pilot.press("f1")
        await pilot.pause()
        assert app.screen is app.chat
