"""What a person wrote beside a bad answer becomes a rule in one line, with checks that tell bad from good."""

from __future__ import annotations

import random

import pytest

from scripts.demo_model.generators.habits import Habit, habits
from scripts.demo_model.vocabulary import Draw
from shammah_tui.feedback import verifier
from shammah_tui.feedback.inference import from_line, infer, proved
from shammah_tui.store.rule import Check, Scope


def fenced(language: str, code: str) -> str:
    return f"Here:\n```{language}\n{code}\n```\n"


LOG_NO_PRINT = "In Python, outside tests: use `logging`, no `print`."
PRINTS = fenced("python", 'def run(box):\n    print("x")')
LOGS = fenced("python", 'import logging\n\n\ndef run(box):\n    logging.info("x")')
REQUESTS = fenced("python", "import requests\n\nrequests.get(url)")
UNWRAPS = fenced("rust", "fn run() -> i64 {\n    read().unwrap()\n}")
VAR = fenced("javascript", "function run() {\n  var x = 1;\n}")


@pytest.mark.parametrize(
    ("note", "answer", "language", "line"),
    [
        ("use logging instead of print", PRINTS, "python", LOG_NO_PRINT),
        ("print instead of logging", PRINTS, "python", LOG_NO_PRINT),
        ("This should log instead of printing!", PRINTS, "python", LOG_NO_PRINT),
        ("don't use print", PRINTS, "python", "In Python, outside tests: no `print`."),
        ("never print, also in tests", PRINTS, "python", "In Python: no `print`."),
        ("No, please use a logger here.", PRINTS, "python", LOG_NO_PRINT),
        ("prefer httpx to requests", REQUESTS, "python", "In Python: use `httpx`, no `requests`."),
        ("in a/** use httpx, not requests", REQUESTS, "python", "In Python, in `a/**`: use `httpx`, no `requests`."),
        ("In Rust never use unwrap", UNWRAPS, "", "In Rust, outside tests: return errors with `?`, no `.unwrap()`."),
        ("`var` is old, use const or let", VAR, "javascript", "In JavaScript: use `const` and `let`, no `var`."),
        ("type hints, everywhere", PRINTS, "python", "In Python functions: write type hints, no bare parameters."),
        ("no explanations, code only", PRINTS, "python", "In Python: no explanations, code only."),
    ],
)  # fmt: skip
def test_a_note_of_a_usual_form_becomes_one_line_that_is_proved_on_the_answer(
    note: str, answer: str, language: str, line: str
) -> None:
    draft = infer(note, answer, language)
    assert draft is not None
    assert draft.line == line
    assert draft.proof == "flagged"


@pytest.mark.parametrize("name", sorted(habits))
def test_notes_on_the_demo_models_habits_are_understood_without_a_model(name: str) -> None:
    habit = habits[name]
    understood = 0
    for number in range(60):
        _, bad, good = habit.rewrite(random.Random(number), heldout=False)
        draft = infer(habit.note(Draw(random.Random(f"note {number}"), False)), bad, habit.language)
        understood += draft is not None and proved(draft, bad, good).proof == "both"
    # Three in four, of wordings that no person would all use. The rest is asked of the model.
    assert understood >= 42


@pytest.mark.parametrize("name", sorted(habits))
def test_the_line_that_a_model_names_is_read_back_into_scope_and_checks(name: str) -> None:
    habit = habits[name]
    _, bad, good = habit.rewrite(random.Random(1), heldout=False)
    draft = from_line(habit.rule, bad, source="model")
    assert (draft.line, draft.source, draft.scope.languages) == (habit.rule, "model", (habit.language,))
    assert draft.scope.outside_tests == ("outside tests" in habit.rule)
    assert proved(draft, bad, good).proof == "both"


def test_a_note_that_says_nothing_checkable_stays_as_words() -> None:
    for note in (
        "hm, I do not know",
        "I want British spelling",
        "return early",
        "too long, be brief",
        "call it run_it",
    ):
        draft = infer(note, PRINTS, "python")
        assert draft is None or draft.line.removeprefix("In Python: ").removesuffix(".") in note, note
        assert draft is None or draft.proof == "", note


def test_a_persons_own_line_is_kept_and_checks_that_do_not_hold_are_dropped() -> None:
    draft = from_line("In Python: always use `structlog`, no `print`.", PRINTS, "python")
    assert draft.line == "In Python: always use `structlog`, no `print`."
    assert (draft.scope.outside_tests, draft.proof) == (False, "flagged")
    elsewhere = from_line("In Go: no `panic`.", PRINTS, "python")
    assert (elsewhere.scope.languages, elsewhere.proof) == (("go",), "")
    assert not verifier.can_check(elsewhere.verifier)


def test_a_check_that_the_flagged_answer_passes_proves_nothing() -> None:
    draft = infer("never use eval", PRINTS, "python")
    assert draft is not None
    assert draft.proof == ""


def test_a_very_long_or_odd_note_takes_no_time_and_breaks_nothing() -> None:
    for note in ("use " * 2000, "no " + "a, " * 130, "\x1b[31m use \u202e print", "(((((", "", "not " * 99):
        infer(note, PRINTS, "python")


def test_what_is_forbidden_is_found_in_code_alone() -> None:
    scope = Scope(("python",))
    check = Check("name", "print")
    assert verifier.found(check, PRINTS, scope)
    for harmless in ('x = "print(1)"', "# print(1)", "printer = 1", "pprint(x)", "x.footprint"):
        assert not verifier.found(check, fenced("python", harmless), scope), harmless
    assert not verifier.found(check, fenced("javascript", "print(1)"), scope)
    assert not verifier.found(check, "I would print it.", scope)


@pytest.mark.parametrize("habit", [habits[name] for name in sorted(habits)], ids=sorted(habits))
def test_answers_near_a_rule_neither_keep_nor_break_it_or_keep_it(habit: Habit) -> None:
    _, bad, _ = habit.rewrite(random.Random(2), heldout=False)
    draft = from_line(habit.rule, bad)
    for number in range(20):
        prompt, answer = habit.near_answer(random.Random(number))
        if "test" not in prompt.lower():
            assert verifier.keeps(draft.verifier, draft.scope, answer) is not False, answer


def test_a_wish_is_never_turned_round_by_an_answer_that_fulfils_it_already() -> None:
    answer = "```python\nimport logging\nlogger = logging.getLogger(__name__)\nlogger.info('x')\n```"
    draft = infer("use logging instead of print", answer, "python")
    assert draft is not None
    assert draft.line.endswith("use `logging`, no `print`.")
