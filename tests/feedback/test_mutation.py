"""Prompts made from one prompt: others of its kind, and others that only look like it."""

from __future__ import annotations

from shammah_tui.feedback import mutation
from shammah_tui.feedback.scope import applies, request
from shammah_tui.store.rule import Scope

PROMPT = "Write a Python function `load_box` that reports each box above 40 in a list."
PYTHON = Scope(("python",), outside_tests=True)


def test_prompts_alike_have_other_names_numbers_and_words_and_the_same_wish() -> None:
    made = mutation.alike(PROMPT, 12, "seed")
    assert len(set(made)) == 12
    assert made == mutation.alike(PROMPT, 12, "seed")
    assert made != mutation.alike(PROMPT, 12, "another seed")
    for prompt in made:
        assert "load_box" not in prompt
        assert " 40 " not in prompt
        assert "Python function `" in prompt
        assert "reports each" in prompt
        assert applies(PYTHON, request(prompt))
    assert len({prompt.split()[0] for prompt in made}) > 3


def test_a_prompt_with_nothing_to_change_gives_none() -> None:
    assert mutation.alike("Why?", 5, "seed") == ()


def test_other_languages_and_tests_are_not_in_the_rules_scope() -> None:
    others = mutation.in_other_languages(PROMPT, "python", 5, "seed")
    tests = mutation.tests_of(PROMPT, "load_box", "python", 5, "seed")
    assert len(others) == 5
    assert len(tests) >= 4
    assert not any(applies(PYTHON, request(prompt)) for prompt in (*others, *tests))
    assert mutation.in_other_languages("Write a function", "python", 5, "seed") == ()


def test_bundled_prompts_name_the_language_and_repeat_nothing() -> None:
    tasks = mutation.tasks("rust", 20, "seed")
    assert len(set(tasks)) == 20
    assert all("Rust function" in task for task in tasks)
    assert len(set(mutation.general(30, "seed"))) == 30
