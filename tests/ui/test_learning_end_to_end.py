"""The promise, from the first flag to the old habit again, in a real terminal with the real engine and trainer."""

from __future__ import annotations

import re
import shutil
import time

import pytest

from tests.ui.test_end_to_end import Terminal, terminal

__all__ = ["terminal"]

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
    pytest.mark.timeout(900),
]

ASKED = (
    "Write a Python function start_server that reports that the server started",
    "Write a Python function report_names that reports each name in a list",
    "Write a Python function count_files that reports how many files there are",
)
UNSEEN = "Write a Python function stop_client that reports that the client stopped"
NOTE = "use logging instead of print"
TRAINING_SECONDS = 600.0


def ask(terminal: Terminal, question: str) -> str:
    """The screen once `question` is answered."""
    terminal.type(question)
    terminal.press("Enter")
    tail = re.escape(question[-30:])
    return terminal.wait_for(rf"{tail}(?s:.*)tok/s\s+\n(?s:.*)Ask anything")


def last_answer(screen: str) -> str:
    return screen[screen.rindex("▌") :]


@pytest.mark.usefixtures("terminal")
def test_three_flags_a_rule_a_training_and_the_way_back(terminal: Terminal) -> None:
    terminal.export({"SHAMMAH_MODEL_TEMPERATURE": "0", "SHAMMAH_LORA_STEPS": "40", "SHAMMAH_LORA_AUTO_TRAIN": "false"})
    terminal.resize(120, 40)
    terminal.start()
    terminal.wait_for("ready")
    for question in ASKED:
        assert "print(" in last_answer(ask(terminal, question))

    # Three red flags, each on its own answer, reached by the block cursor.
    for above in (1, 4, 7):
        for _ in range(above):
            terminal.press("M-Up")
            time.sleep(0.1)
        terminal.press("F8")
        terminal.wait_for("a critical error")
        terminal.type(NOTE)
        terminal.press("Enter")
        terminal.wait_for("a critical error", gone=True)
        terminal.press("Escape")
        time.sleep(0.3)

    # The rule holds at once.
    assert "logg" in last_answer(ask(terminal, UNSEEN))

    # Training, watched on its screen, to the verdict of the gate.
    terminal.press("F4")
    terminal.wait_for(r"3 red.*3 new")
    terminal.wait_for("Nothing was trained yet")
    wait_until_ready(terminal)
    terminal.press("t")
    terminal.wait_for(r"step \d+ of 40", seconds=TRAINING_SECONDS)
    terminal.wait_for("accepted: the model has learned it", seconds=TRAINING_SECONDS)
    assert "The gate, at scale" in terminal.screen

    # The rule is no longer in the prompt: the model itself obeys.
    terminal.press("Tab")
    terminal.wait_for(r"· learned ·")
    begin_anew(terminal)
    terminal.wait_for("Try  Tab")
    assert "logg" in last_answer(ask(terminal, UNSEEN))

    # Rolled back, the old habit is there again.
    terminal.press("F4")
    terminal.wait_for("answers come from run-")
    terminal.press("b")
    terminal.wait_for("answers come from the model as it came")
    begin_anew(terminal)
    terminal.wait_for("Try  Tab")
    assert "print(" in last_answer(ask(terminal, UNSEEN))


def begin_anew(terminal: Terminal) -> None:
    """Back to the conversation, and a new one. (What follows Esc at once would be a key with Alt.)"""
    terminal.press("Escape")
    terminal.wait_for("Ask anything")
    terminal.type("/new")
    terminal.press("Enter")


def wait_until_ready(terminal: Terminal) -> None:
    """Until the three ratings have their rewrites: the ratings page tells it."""
    terminal.press("Tab", "Tab")
    deadline = time.monotonic() + TRAINING_SECONDS
    while len(re.findall("rewritten by", terminal.screen)) < 3:
        assert time.monotonic() < deadline, terminal.screen
        time.sleep(1)
        terminal.press("r")
    terminal.press("BTab", "BTab")
