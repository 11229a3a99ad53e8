"""Markdown as lines: the same whether it came at once or in pieces, at any width, and never alive."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shammah_tui.ui.markdown import OPEN_CODE_LINES, Markdown

SOURCE = """# Title

Text **bold *both*** with `code`, [a link](https://x.y/z) and <https://auto.link>
on a second line.

- one
- two
  1. inner
  2. inner again

  ```js
  var x
  ```
- three

> quoted

| a | b | num |
|---|:-:|----:|
| 1 | words that go on | 3 |

```python
def f(x):
    return x
```

---
end
"""


def plain(source: str, width: int = 60) -> list[str]:
    return [line.plain.rstrip() for line in Markdown(source).lines(width)]


def in_pieces(source: str, size: int, width: int = 60) -> Markdown:
    growing = Markdown()
    for at in range(0, len(source), size):
        growing.append(source[at : at + size])
        growing.lines(width)
    return growing


@pytest.mark.parametrize("width", [20, 60, 120])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_in_pieces_it_is_drawn_as_at_once(width: int, size: int) -> None:
    whole = [line.plain for line in Markdown(SOURCE).lines(width)]
    growing = in_pieces(SOURCE, size, width)
    assert [line.plain for line in growing.lines(width)] == whole
    growing.finish()
    assert [line.plain for line in growing.lines(width)] == whole


@given(
    st.lists(st.sampled_from(["# a", "- b", "  c", "```", "| d | e |", "|--|--|", "", "> f", "1. g", "**h", "    i"]))
)
@settings(max_examples=150, deadline=None)
def test_any_mixture_is_drawn_in_pieces_as_at_once(lines: list[str]) -> None:
    source = "\n".join(lines)
    whole = [line.plain for line in Markdown(source).lines(40)]
    growing = in_pieces(source, 2, 40)
    # Of a long list only the end may tell how far apart its items stand.
    if not (growing.is_pieced and {"- b", "1. g"} & set(lines) and "" in lines):
        assert [line.plain for line in growing.lines(40)] == whole
    growing.finish()
    assert [line.plain for line in growing.lines(40)] == whole


@pytest.mark.parametrize("apart", ["\n", "\n\n", "\n   more\n\n"])
@pytest.mark.parametrize("mark", ["1.", "-", "7)"])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_long_list_keeps_its_numbers_and_its_gaps_while_it_grows(size: int, mark: str, apart: str) -> None:
    source = apart.join([f"{mark} item"] * 30)
    whole = [line.plain.split() for line in Markdown(source).lines(40)]
    growing = in_pieces(source, size, 40)
    assert growing.is_pieced
    assert [line.plain.split() for line in growing.lines(40)] == whole


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("empty", range(1, OPEN_CODE_LINES + 3))
@pytest.mark.parametrize("before", [0, 1, OPEN_CODE_LINES, 2 * OPEN_CODE_LINES])
def test_empty_lines_stay_where_a_growing_code_block_is_cut(before: int, empty: int, size: int) -> None:
    for after in (0, 1, 2 * OPEN_CODE_LINES):
        source = "\n".join(["```", *["a"] * before, *[""] * empty, *["b"] * after])
        whole = [line.plain for line in Markdown(source).lines(40)]
        assert [line.plain for line in in_pieces(source, size, 40).lines(40)] == whole


@given(st.text(), st.integers(8, 100))
@settings(max_examples=150, deadline=None)
def test_no_line_is_wider_than_asked_and_none_is_alive(text: str, width: int) -> None:
    for line in Markdown(text).lines(width):
        assert line.cell_length <= width
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", line.plain)


def test_links_and_images_show_where_they_lead() -> None:
    assert plain("[a](http://x.y) ![p](http://z/p.png) <http://auto>") == [
        "a (http://x.y) [image: p] (http://z/p.png) http://auto"
    ]


def test_markup_and_html_are_text() -> None:
    assert plain("[/red] [@click=app.quit]x[/] <b>y</b>") == ["[/red] [@click=app.quit]x[/] <b>y</b>"]


def test_a_long_code_block_is_drawn_in_pieces_and_stays_whole() -> None:
    code = [f"line_{number} = {number}" for number in range(10 * OPEN_CODE_LINES)]
    growing = in_pieces("```python\n" + "\n".join(code), 40)
    drawn = [line.plain.strip() for line in growing.lines(60)]
    assert drawn == [HEAD, *code]
    growing.append("\n```\n\nafter")
    assert [line.plain.strip() for line in growing.lines(60)] == [HEAD, *code, "", "after"]


HEAD = "python" + "copy".rjust(52)


def test_another_width_is_drawn_anew() -> None:
    growing = in_pieces("word " * 30, 7, 80)
    assert len(growing.lines(80)) == 2
    assert len(growing.lines(40)) == 4
    growing.append("more")
    assert growing.lines(40)[-1].plain.endswith("more")


def test_a_table_too_wide_for_columns_becomes_records() -> None:
    source = "| alpha | beta | gamma |\n|--|--|--|\n| one | two | three |"
    assert plain(source, 12) == ["alpha: one", "beta: two", "gamma: three"]
