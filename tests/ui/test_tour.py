"""The whole tour in a real terminal, from the first start to leaving, as somebody takes it who just installed it."""

from __future__ import annotations

import re
import time

import pytest

from tests.ui.test_end_to_end import Terminal, pytestmark, terminal

__all__ = ["pytestmark", "terminal"]


def ask(terminal: Terminal, question: str) -> None:
    terminal.type(question)
    terminal.press("Enter")


@pytest.mark.timeout(300)
def test_the_tour(terminal: Terminal) -> None:
    terminal.start()
    ask(terminal, "What does the red key do?")
    terminal.wait_for("F8 rates the answer red")
    terminal.wait_for("tok/s")

    # A tool is asked about, and allowed.
    ask(terminal, "run the command `sleep 30`")
    terminal.wait_for("Run a command.*")
    answer_yes(terminal)
    # What is typed meanwhile waits, and Esc interrupts at once.
    ask(terminal, "What does the green key do?")
    terminal.wait_for("Queued 1")
    terminal.press("Escape")
    terminal.wait_for("paused")
    terminal.press("Enter")
    terminal.wait_for("F6 rates the answer green")
    terminal.wait_for("Queued", gone=True)

    # A rating with a note is a rule from now on.
    terminal.press("F8")
    terminal.wait_for("no note")
    terminal.type("Use snake_case names")
    terminal.press("Enter")
    terminal.wait_for("Rated red")

    for key, words in (("F3", "What this machine can run"), ("F5", "streaming_enabled"), ("F1", "Keys")):
        terminal.press(key)
        terminal.wait_for(words)
        terminal.press("Escape")
    terminal.press("F2")
    terminal.wait_for("F6 rates the answer green")
    ask(terminal, "/new")
    terminal.wait_for("Ask anything")
    ask(terminal, "/sessions")
    terminal.wait_for("[23] questions")
    terminal.press("Enter")
    terminal.wait_for("F6 rates the answer green")
    terminal.press("C-d")
    screen = terminal.wait_for("left with 0")
    assert re.search(r"shammah --resume \w{8}", screen)


def answer_yes(terminal: Terminal) -> None:
    """The question takes no key until nothing was typed for a moment."""
    for _ in range(5):
        time.sleep(1.5)
        terminal.press("y")
        time.sleep(0.5)
        if "Run a command" not in terminal.screen:
            return
    terminal.wait_for("Run a command", gone=True)
