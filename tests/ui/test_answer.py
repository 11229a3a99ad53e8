"""A long answer is several blocks, and reads, copies and costs as if it were one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shammah_tui.ui.answer import Answer, Passage
from shammah_tui.ui.markdown_cut import CHARACTERS
from shammah_tui.ui.widgets.block import Stop

PARAGRAPHS = "\n\n".join(f"Paragraph {number}. " + "Words that go on. " * 12 for number in range(120))
CODE = "```python\n" + "\n".join(f"line_{number} = {number}" for number in range(1_200)) + "\n```"
TIGHT = "\n".join(f"- item {number} of a list that is long" for number in range(600))
TABLE = "| name | value |\n|------|-------|\n" + "\n".join(f"| n{number} | v{number} |" for number in range(900))
ONE_LINE = "word " * 6_000


def in_pieces(source: str, size: int) -> Answer:
    answer = Answer()
    for at in range(0, len(source), size):
        answer.append(source[at : at + size])
    answer.finish()
    return answer


def drawn(answer: Answer) -> list[str]:
    return [line.plain.strip() for passage in answer.passages for line in passage.lines(80) if line.plain.strip()]


@pytest.mark.parametrize(
    "source", [PARAGRAPHS, CODE, TIGHT, TABLE, ONE_LINE], ids=["paragraphs", "code", "list", "table", "one line"]
)
@pytest.mark.parametrize("size", [7, 100_000])
def test_no_passage_is_long_and_nothing_is_lost(source: str, size: int) -> None:
    answer = in_pieces(source, size)
    assert answer.source == source
    assert len(answer.passages) > 2
    assert max(len(passage.text) for passage in answer.passages) <= 2 * CHARACTERS + 100


def test_paragraphs_are_cut_between_them() -> None:
    answer = in_pieces(PARAGRAPHS, 50)
    assert all(passage.text.startswith("Paragraph") and passage.gap == 1 for passage in answer.passages)


def test_a_code_block_goes_on_as_code_under_one_head() -> None:
    answer = in_pieces(CODE + "\n\nafter", 50)
    lines = drawn(answer)
    assert [line.split() for line in lines if line.endswith("copy")] == [["python", "copy"]]
    assert lines[1:1201] == [f"line_{number} = {number}" for number in range(1_200)]
    assert lines[-1] == "after"
    assert all(passage.gap == 0 for passage in answer.passages[:-2])


def test_a_table_repeats_its_head_and_loses_no_row() -> None:
    cells = [line.split() for line in drawn(in_pieces(TABLE, 50))]
    assert [row for row in cells if row[0] != "name" and "─" not in row[0]] == [
        [f"n{number}", f"v{number}"] for number in range(900)
    ]


def test_code_that_goes_over_several_passages_is_copied_whole() -> None:
    answer = in_pieces(f"First:\n\n```sh\nls\n```\n\n{CODE}\n\nLast:\n\n```sh\npwd\n```", 50)
    codes = [
        passage.copied(stop) for passage in answer.passages for stop in passage.stops(80) if stop.what == "the code"
    ]
    assert codes == ["ls", CODE.removeprefix("```python\n").removesuffix("\n```"), "pwd"]
    first: Passage = answer.passages[0]
    assert first.stops(80)[0].what == "the answer"
    assert first.copied(Stop(0, 1, "the answer")) == answer.source


LINES = ["# a", "- b " * 90, "```", "| d | e |", "|--|--|", "", "> f" * 99, "1. g", "\t", "x" * 999]


@given(st.lists(st.sampled_from(LINES)))
@settings(max_examples=60, deadline=None)
def test_any_text_is_kept_whole_and_drawn(lines: list[str]) -> None:
    source = "\n".join(lines)
    answer = in_pieces(source, 500)
    assert answer.source == source
    drawn(answer)


@pytest.mark.parametrize(
    "source", [PARAGRAPHS, CODE, TIGHT, TABLE, ONE_LINE], ids=["paragraphs", "code", "list", "table", "one line"]
)
def test_what_is_drawn_while_it_grows_has_every_word_once(source: str) -> None:
    answer = Answer()
    for at in range(0, len(source), 150):
        answer.append(source[at : at + 150])
        answer.passages[-1].lines(80)
    assert drawn(answer) == drawn(in_pieces(source, 150))


def test_only_what_was_drawn_in_pieces_is_drawn_again_when_the_answer_is_over() -> None:
    answer, source = Answer(), f"{PARAGRAPHS}\n\n{CODE}"
    for at in range(0, len(source), 150):
        answer.append(source[at : at + 150])
        answer.passages[-1].lines(80)
    held = [passage.lines(80)[0] for passage in answer.passages]
    changed = answer.finish()
    for passage, line in zip(answer.passages, held, strict=True):
        assert (passage.lines(80)[0] is line) == (passage not in changed)
    assert 0 < len(changed) < len(answer.passages)
