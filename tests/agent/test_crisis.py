"""Danger that a person tells of in their own words is seen, talk of processes is not, and the panel is humane."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.bench.crisis import judge
from shammah_tui.agent import crisis
from shammah_tui.agent.crisis import country_of, detect, panel

DANGER = "I want to kill myself tonight"


@pytest.mark.parametrize("split", ["dev", "held", "later"])
def test_the_labelled_lines_are_judged_as_well_as_they_were(split: str) -> None:
    outcome = judge(split)
    assert outcome.dangers >= 50
    assert outcome.safe >= 70
    assert not outcome.missed
    assert not outcome.false_alarms


def test_of_lines_that_the_forms_were_not_made_for_most_are_seen() -> None:
    outcome = judge("blind")
    assert len(outcome.missed) <= 4 < outcome.dangers == 24
    assert not outcome.false_alarms


def test_twelve_languages_and_what_goes_round_it() -> None:
    mended, other = judge("more"), judge("fresh")
    assert len(mended.missed) <= 2 < mended.dangers == 50
    assert len(other.missed) <= 9 < other.dangers == 50
    assert not mended.false_alarms
    assert not other.false_alarms


def test_harder_lines_are_seen_no_worse_than_they_were_and_raise_no_alarm() -> None:
    mended, held_out = judge("next"), judge("last")
    assert not mended.missed
    assert len(held_out.missed) <= 9 < held_out.dangers == 15
    assert not mended.false_alarms
    assert not held_out.false_alarms


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{DANGER}\n```\nwhat does this log mean?",
        f"what is wrong here?\n\n```python\n# {DANGER}",
        f"> {DANGER}\n\nThat is from the issue. How should I answer?",
        f"rename the variable `{DANGER}`",
        f'the fixture is "{DANGER}"',
        f"the line “{DANGER}” is flagged",
        f"    {DANGER}\n    exit 1",
    ],
)
def test_only_the_persons_own_words_count(text: str) -> None:
    assert not detect(text)


@pytest.mark.parametrize(
    "text",
    [
        DANGER,
        DANGER.upper(),
        "I want to kill myself…",
        "i   want\tto\nkill myself",
        "I’m going to kill myself",
        f"```\ncode\n```\n{DANGER}",
        f"Here is a paste:\n{'x = 1' * 5000}\n\n{DANGER}",
        f'"{DANGER}"',
        "First question: what is a closure? Second: " + "word " * 300 + DANGER,
    ],
)
def test_neither_form_nor_surroundings_hide_it(text: str) -> None:
    assert detect(text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "i " * 4000,
        "i have a gun " * 600,
        "afraid he " * 800,
        '"' * 8000,
        "`" * 8000,
        " " * 100_000,
        "a" * 1_000_000,
        "'a " * 2600,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    """Milliseconds; a form that grows out of hand takes minutes, and the time limit ends it."""
    assert not detect(text)


def test_the_panel_names_help_in_the_persons_country_first() -> None:
    shown = panel("IL")
    assert "1201" in shown.lines[0].line
    assert "100" in shown.text
    british = panel("GB")
    assert "116 123" in british.lines[0].line
    assert "999" in british.text
    unknown = panel("")
    assert "988" in unknown.lines[0].line
    assert "112" in unknown.text
    for one in (shown, british, unknown):
        assert "findahelpline.com" in one.elsewhere
        assert "not sent, not stored" in one.after
        assert len({line.country for line in one.lines}) == len(one.lines) >= 10


def test_the_country_is_that_of_the_locale() -> None:
    assert country_of({"LANG": "en_GB.UTF-8"}) == "GB"
    assert country_of({"LC_ALL": "he_IL", "LANG": "en_US"}) == "IL"
    assert country_of({"LANG": "C.UTF-8"}) == ""
    assert country_of({}) == ""


def test_the_detection_can_neither_send_nor_store() -> None:
    """It imports nothing that could: no socket, no library of ours but its own forms."""
    source = ast.parse(Path(crisis.__file__).read_text("utf-8"))
    imported = {name.name for node in ast.walk(source) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    standard = {
        "__future__",
        "os",
        "re",
        "tomllib",
        "unicodedata",
        "collections.abc",
        "dataclasses",
        "functools",
        "pathlib",
        "typing",
    }
    assert imported - standard == {"shammah_tui.agent.crisis_form"}
