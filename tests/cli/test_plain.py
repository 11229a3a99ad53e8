"""The line mode in a real terminal, with the real engine and the demo model: what somebody hears who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shammah_tui.cli.plain_answer import approval_of
from shammah_tui.cli.plain_command import code_blocks
from shammah_tui.events import Approval
from tests.cli.program import Terminal, in_terminal, shammah

QUESTION = "What does the red key do?"


@pytest.fixture
def engine(own_ground: Path) -> Iterator[None]:
    yield
    shammah("daemon", "stop")


def say(terminal: Terminal, text: str, answered_by: str) -> str:
    """Type a line, and give what was printed since, once it has `answered_by` and the next prompt."""
    before = len(terminal.output)
    terminal.type(f"{text}\n")
    while True:
        told = terminal.output[before:]
        if answered_by in told and re.search(r"You( \(.*\))?: \Z", told):
            return told
        if terminal.process.poll() is not None:
            pytest.fail(f"it ended: {terminal.output}")
        terminal.read_more()


@pytest.mark.usefixtures("engine")
def test_a_whole_conversation_by_lines() -> None:
    with in_terminal(["--model", "demo"], TERM="dumb", EDITOR="true") as terminal:
        terminal.read_until("You: ")
        assert "Shammah demo (on this machine):\r\nF8 rates" in say(terminal, QUESTION, "weight 10")
        assert "Rated yellow" in say(terminal, "/feedback medium answer in one word", "/undo takes it back")
        assert "taken back" in say(terminal, "/undo", "taken back")
        assert "hello\r\n" in say(terminal, "!echo hello", "Command: ")
        assert "Did you mean /sessions" in say(terminal, "/sesions", "There is no command")
        assert "/privacy: " in say(terminal, "/help", "!COMMAND")
        assert "Nothing has left" in say(terminal, "/privacy", "machine")
        assert "You (plan): " in say(terminal, "/mode plan", "only read")
        say(terminal, "/mode ask", "Shammah asks")
        assert "F8 rates" in say(terminal, "/find critical", "Answer: ")
        assert "ready" in say(terminal, "/model", "ready")
        say(terminal, "/new", "new conversation")
        assert f"1: {QUESTION}" in resume_first(terminal)
        terminal.type("\x04")
        assert terminal.end() == 0
        assert re.search(r"shammah --resume \w{8}", terminal.output)
        # Nothing that a terminal would obey: no colour, no cursor movement.
        assert "\x1b" not in terminal.output


def resume_first(terminal: Terminal) -> str:
    """Go on with the first of the list, and give all that was printed meanwhile."""
    before = len(terminal.output)
    terminal.type("/sessions\n")
    terminal.read_until("(Enter stays here): ")
    terminal.type("1\n")
    while not re.search(r"You are in: .*You: \Z", terminal.output[before:], re.DOTALL):
        terminal.read_more()
    return terminal.output[before:]


@pytest.mark.usefixtures("engine")
def test_a_tool_is_asked_about_and_enter_denies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with in_terminal(["--plain", "--model", "demo"]) as terminal:
        terminal.read_until("You: ")
        for answer, outcome in (("", "Tool was refused"), ("y", "Tool is done")):
            before = len(terminal.output)
            terminal.type("create made.txt with the text hello\n")
            while "(Enter denies): " not in terminal.output[before:]:
                terminal.read_more()
            assert "may Write do this?" in terminal.output[before:]
            terminal.type(f"{answer}\n")
            while outcome not in terminal.output[before:]:
                terminal.read_more()
            while not terminal.output.endswith("You: "):
                terminal.read_more()
            say(terminal, "/new", "new conversation")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert (tmp_path / "made.txt").read_text() == "hello\n"


def test_only_a_clear_yes_allows() -> None:
    assert approval_of("y", can_last=True) == Approval("once")
    assert approval_of("2", can_last=True) == Approval("session")
    assert approval_of("3", can_last=True) == Approval("always")
    for typed in ("", "n", "4"):
        assert approval_of(typed, can_last=True) == Approval("deny")
    for typed in ("2", "3"):
        assert approval_of(typed, can_last=False) == Approval("deny")
    assert approval_of("use git instead", can_last=True) == Approval("deny", "use git instead")


def test_code_is_found_between_fences() -> None:
    assert code_blocks("a\n```py\nx = 1\n```\nb\n```\ny\n") == ["x = 1", "y"]
