"""A rule stands in the prompt where it applies, and only there."""

from __future__ import annotations

import pytest

from shammah_tui.conversation import Message
from shammah_tui.feedback.scope import RULES_MAX, applies, in_scope, request
from shammah_tui.store.rule import Rule, RuleState, Scope, Verifier

PYTHON = Scope(("python",), outside_tests=True)


def rule(number: int, scope: Scope = PYTHON, state: RuleState = "prompt") -> Rule:
    return Rule(number, f"Rule {number}.", scope, Verifier(), "both", state)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Write a Python function that says hello", True),
        ("Write a function that tests whether a number is even", True),
        ("What is in src/main.py?", True),
        ("Write a pytest test for load", False),
        ("Write a Python unit test of load", False),
        ("Fix tests/test_load.py", False),
        ("Write a Rust function that says hello", False),
        ("Change the greeting in web/app.js", False),
        ("Write a function", True),
    ],
)
def test_language_and_tests_are_read_from_the_question(question: str, expected: bool) -> None:
    assert applies(PYTHON, request(question)) is expected


def test_a_question_that_names_no_language_goes_by_what_was_said_before() -> None:
    rust = [Message("user", "Write it"), Message("assistant", "```rust\nfn a() {}\n```")]
    assert not applies(PYTHON, request("and now with floats", rust))
    assert applies(PYTHON, request("and now in Python", rust))
    assert applies(PYTHON, request("and now with floats", [Message("user", "in Python please")]))


def test_a_rule_for_some_files_is_left_out_where_only_others_are_named() -> None:
    scope = Scope(paths=("src/api/**",))
    assert applies(scope, request("Look at src/api/v1/user.py"))
    assert applies(scope, request("Look at it", folder="/home/p", paths=("/home/p/src/api/a.py",)))
    assert not applies(scope, request("Look at src/core/user.py"))
    assert applies(scope, request("Write a route"))


def test_a_rule_for_tests_alone_is_left_out_elsewhere() -> None:
    assert applies(Scope(only_tests=True), request("Write a test for load"))
    assert not applies(Scope(only_tests=True), request("Write load"))


def test_at_most_ten_rules_the_first_ones_and_none_that_is_off_or_learned() -> None:
    rules = [rule(0, state="off"), rule(1, state="learned"), *(rule(number) for number in range(2, 30))]
    found = in_scope(rules, request("Write a Python function"))
    assert [each.id for each in found] == list(range(2, 2 + RULES_MAX))
