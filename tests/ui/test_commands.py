"""What a message means as a command."""

from __future__ import annotations

import pytest

from shammah_tui.ui.commands import TABLE, Invocation, Unknown, parse


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/help", "help", ""),
        ("/model 1.5b", "model", "1.5b"),
        ("/CLEAR", "new", ""),
        ("quit", "quit", ""),
        (":q", "quit", ""),
        ("/sess yesterday", "sessions", "yesterday"),
        ("/mode", "mode", ""),
    ],
)
def test_commands(text: str, name: str, argument: str) -> None:
    found = parse(text)
    assert isinstance(found, Invocation)
    assert (found.command.name, found.argument) == (name, argument)


@pytest.mark.parametrize(
    "text", ["", "hello", "/etc/hosts", "/usr/bin is a folder", "/", "/ a", "/help\nme", "/hel\nme", "quit now"]
)
def test_messages(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("typed", "meant"), [("/hepl", "help"), ("/modell", "model"), ("/quitt", "quit"), ("/zzzz", "")]
)
def test_the_closest_command_is_suggested(typed: str, meant: str) -> None:
    assert parse(typed) == Unknown(typed[1:], meant)


def test_a_beginning_that_two_commands_have_is_none() -> None:
    assert isinstance(parse("/mod"), Unknown)
    assert isinstance(parse("/cl why?"), Unknown)


def test_the_table_is_in_order_and_has_no_name_twice() -> None:
    names = [command.name for command in TABLE]
    assert names == sorted(names)
    everything = [name for command in TABLE for name in (command.name, *command.aliases)]
    assert len(everything) == len(set(everything))
