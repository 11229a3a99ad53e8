from __future__ import annotations

import json
from pathlib import Path

import pytest

from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.replay import habit_of, halved_rows
from shammah_tui.learning.rows import RowsError, read_rows, with_held_out
from shammah_tui.learning.template import ChatTemplate
from tests.learning.world import write_rows

RATED = {"messages": [{"role": "user", "content": "Say it"}], "chosen": "yes", "rejected": "no"}


def test_priorities_ten_three_one_become_weights_four_two_one() -> None:
    arguments = TrainArguments()
    assert [round(arguments.weight_of(color)) for color in ("red", "yellow", "green")] == [4, 2, 1]


def test_the_same_prompt_rule_and_answer_count_once(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows", [RATED] * 100 + [{**RATED, "chosen": "maybe"}])
    assert [row.chosen for row in read_rows(path)] == ["yes", "maybe"]


def test_line_separators_inside_a_text_do_not_split_a_row(tmp_path: Path) -> None:
    row = {**RATED, "chosen": "one\u2028two\u0085three"}
    path = tmp_path / "rows"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert read_rows(path)[0].chosen == row["chosen"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1"),
        ('{"messages": []}', "messages"),
        (json.dumps({**RATED, "kind": "elsewhere"}), "kind"),
        (json.dumps({**RATED, "color": "blue"}), "color"),
        (json.dumps({**RATED, "chosen": None}), "chosen"),
        (json.dumps({**RATED, "kind": "near_scope"}), "nothing to learn"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_in_words(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(RowsError, match=said):
        read_rows(path)


def test_rows_are_held_out_only_where_there_are_enough_and_none_were_given(tmp_path: Path) -> None:
    many = [{**RATED, "chosen": f"answer {number}", "rule": "a"} for number in range(10)]
    few = [{**RATED, "chosen": f"answer {number}", "rule": "b"} for number in range(3)]
    rows = with_held_out(read_rows(write_rows(tmp_path / "rows", many + few)))
    assert sum(row.held_out for row in rows if row.rule == "a") == 2
    assert not any(row.held_out for row in rows if row.rule == "b")
    given = [{**RATED, "kind": "heldout", "rule": "a"}]
    rows = with_held_out(read_rows(write_rows(tmp_path / "rows", many + given)))
    assert [row.kind for row in rows if row.held_out] == ["heldout"]


def test_made_up_replay_is_recognised_as_in_scope_by_what_criticised_answers_share() -> None:
    habit = habit_of([([1, 2, 9], [1, 2, 7]), ([1, 3, 9], [1, 3, 7])])
    assert habit.shows_in([5, 7])
    assert not habit.shows_in([5, 9, 1])


def test_halved_prompts_keep_order_and_system_prompt(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "a b c d e f"}]
    rows = read_rows(write_rows(tmp_path / "rows", [{**RATED, "messages": messages}]))
    for row in halved_rows(rows, seed=3):
        words = row.messages[1]["content"].split()
        assert row.messages[0] == messages[0]
        assert len(words) == 3
        assert words == sorted(words)


def test_the_text_before_a_user_is_what_the_template_writes_there() -> None:
    template = ChatTemplate("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ bos_token }}")
    assert template.before_user() == "<user>"
