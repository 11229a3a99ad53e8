"""A diff on the screen says what changed: with colour and without, narrow and wide, whatever is in it."""

from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from shammah_tui.ui.diff import SIDE_BY_SIDE_CELLS, draw_diff
from tests.ui.tool_script import DIFF

NARROW = SIDE_BY_SIDE_CELLS - 1


def plain(diff: str, width: int = NARROW) -> list[str]:
    return [line.plain.rstrip() for line in draw_diff(diff, width)]


def unified(before: str, after: str, name: str = "a.py") -> str:
    return "\n".join(difflib.unified_diff(before.split("\n"), after.split("\n"), name, name, lineterm=""))


def test_markers_and_line_numbers_say_it_without_colour() -> None:
    assert plain(DIFF) == [
        "1   import sys",
        "2",
        "3",
        "4 - def greet(name):",
        '5 -     print("Hello " + name)',
        "4 + def greet(name: str) -> None:",
        '5 +     """Say hello."""',
        '6 +     print(f"Hello {name}")',
        "7",
        "8",
        "9   greet(sys.argv[1])",
    ]


def test_where_there_is_room_old_and_new_stand_side_by_side() -> None:
    rows = [line.split(" │ ") for line in plain(DIFF, SIDE_BY_SIDE_CELLS)]
    assert ["4 - def greet(name):", "4 + def greet(name: str) -> None:"] in [[old.rstrip(), new] for old, new in rows]
    assert len(rows) == 9
    assert [cell.split()[0] for cell in rows[-1]] == ["8", "9"]


def test_a_new_file_takes_the_whole_width() -> None:
    assert plain(unified("", "one\ntwo\n"), 120) == ["1 + one", "2 + two"]


def test_code_is_coloured_by_the_name_of_its_file() -> None:
    styles = {str(span.style) for line in draw_diff(unified("x", "def f(): pass"), NARROW) for span in line.spans}
    assert "$code-keyword" in styles
    assert "$code-keyword" not in {
        str(span.style) for line in draw_diff(unified("x", "def f(): pass", "notes.txt"), NARROW) for span in line.spans
    }


def test_what_differs_inside_a_line_stands_out() -> None:
    (added,) = [line for line in draw_diff(unified("value = 1", "value = 23", "a.txt"), NARROW) if "+" in line.plain]
    (stressed,) = [span for span in added.spans if "34%" in str(span.style)]
    assert added.plain[stressed.start : stressed.end] == "23"


def test_hidden_characters_are_seen_and_a_cut_diff_says_so() -> None:
    assert plain(unified("a", "\x1b[31m\u202eb")) == ["1 - a", "1 + ␛[31m⟨U+202E⟩b"]
    assert plain(f"{unified('a', 'b')}\n[… the diff goes on]")[-1].endswith("[… the diff goes on]")


@given(
    st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), st.sampled_from([20, 60, 100, 131])
)
@settings(max_examples=100, deadline=None)
def test_any_difference_is_drawn_within_its_width(before: str, after: str, width: int) -> None:
    for line in draw_diff(unified(before, after), width):
        assert line.cell_length <= width
