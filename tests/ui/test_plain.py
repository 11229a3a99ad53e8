"""Nothing that a terminal obeys or hides reaches it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shammah_tui.ui.plain import first_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]52;c;YQ==\x07", "␛]52;c;YQ==␇"),
        ("a\rb", "a␍b"),
        ("a\r\nb", "a\nb"),
        ("a\tb", "a    b"),
        ("\x9b31m\x7f", "⟨U+009B⟩31m␡"),
        ("a\u202eb\u2066c\u200bd\ufeff", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d⟨U+FEFF⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\ud800", "\ufffd"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("שָׁמָה naïve 日本", "שָׁמָה naïve 日本"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    shown = visible(text)
    assert not any(ord(character) < 0x20 and character != "\n" for character in shown)
    assert not any(0x7F <= ord(character) <= 0x9F for character in shown)
    assert visible(shown) == shown


def test_first_line_tells_that_there_is_more() -> None:
    assert first_line("\n  one\ntwo") == "one …"
    assert first_line("one") == "one"
    assert first_line(" \n ") == ""
