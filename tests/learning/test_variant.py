from __future__ import annotations

from dataclasses import replace

import pytest

from shammah_tui.learning.rows import Row
from shammah_tui.learning.variant import at_the_border, changed, edited, variants

BEFORE = '```py\ndef load_box():\n  print("box done")\n```'
AFTER = '```py\nimport log\n\ndef load_box():\n  log.info("box done")\n```'


def row(number: int, prompt: str, chosen: str = "") -> Row:
    return Row(number, ({"role": "user", "content": prompt},), chosen, "", "red", "in_scope", "rule")


def test_a_word_changes_with_its_plural_and_its_capital_and_nowhere_else() -> None:
    assert changed("Box boxs BOX boxer load_box 12", {"box": "cat", "12": "90"}) == "Cat cats CAT boxer load_cat 90"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE, AFTER),
        ("Arda lies in the north. Hope this helps!", "Arda lies in the north."),
        ("def f(a, b):\n  return a + b", "def f(a: int, b: int) -> int:\n  return a + b"),
        ("x = x + x", "x = x * x + 1"),
        ("same", "same"),
        ("one", "something else altogether"),
    ],
)
def test_an_edit_done_again_on_the_same_text_gives_the_same(before: str, after: str) -> None:
    assert edited(before, before, after, {}) == after


def test_an_edit_is_done_at_the_same_places_of_another_answer() -> None:
    other = '```py\ndef send_cat():\n  print("cat is gone")\n```'
    wanted = '```py\nimport log\n\ndef send_cat():\n  log.info("cat is gone")\n```'
    assert edited(other, BEFORE, AFTER, {"load": "send", "box": "cat"}) == wanted


def test_an_answer_without_those_places_is_not_edited() -> None:
    assert edited("```rb\ndef load_box\n  warn\nend\n```", BEFORE, AFTER, {}) == ""


def test_variants_keep_the_sentence_and_change_its_rare_words() -> None:
    rows = [row(n, f"Write a function that loads the {word} with {n}0") for n, word in enumerate(["box", "cat", "sun"])]
    rows += [row(9, "Write a function that loads the moon with 70") for _ in range(1)]
    found = variants(rows, 12, seed=4)
    assert 4 <= len(found) <= 12
    asked = {variant.row.messages[0]["content"] for variant in found}
    assert len(asked) == len(found)
    assert asked.isdisjoint(row.messages[0]["content"] for row in rows)
    assert all(prompt.startswith("Write a function that loads the ") for prompt in asked)
    assert [variant.row for variant in variants(rows, 12, seed=4)] == [variant.row for variant in found]


def test_replayed_prompts_move_next_to_the_rule_by_the_word_that_its_prompts_have_in_that_place() -> None:
    rated = [row(n, f"Write a Rust function that reads the {word}") for n, word in enumerate(["box", "cat", "sun"])]
    asked = [
        "Make a Python function that adds two numbers.",
        "Python function that counts words",
        "JS function that counts words",
        "Make a Rust function that adds two numbers.",
        "What is a function in maths?",
        "Who was first?",
    ]
    replayed = [replace(row(10 + n, prompt), kind="out_of_scope", rule="") for n, prompt in enumerate(asked)]
    found = at_the_border([*rated, *replayed], 10, seed=1)
    # One word at a time; two that become the same are one, and what is there already does not come again.
    assert {each.messages[0]["content"] for each in found} == {
        "Write a Python function that adds two numbers.",
        "Write a Rust function that adds two numbers.",
        "Rust function that counts words",
    }
    assert {(each.kind, each.number, each.chosen) for each in found} == {("out_of_scope", 0, "")}
    assert len(at_the_border([*rated, *replayed], 1, seed=1)) == 1
    assert at_the_border(replayed, 10, seed=1) == []


def test_rows_without_text_or_without_anything_to_change_have_no_variants() -> None:
    assert variants([Row(1, ({"role": "user", "content": None},), "", "", "red", "in_scope", "")], 5, 0) == []
    assert variants([], 5, 0) == []
