"""Which adapter answers a question: the person's wish first, then what the question is about."""

from __future__ import annotations

import pytest

from shammah_tui.feedback.scope import request
from shammah_tui.runtime.adapter_choice import OFF, Candidate, Chosen, Wishes, choose_adapter
from shammah_tui.store.rule import Scope

PYTHON, RUST = Scope(("python",), outside_tests=True), Scope(("rust",))
API, TESTS = Scope(paths=("src/api/**",)), Scope(("python",), only_tests=True)
CANDIDATES = (
    Candidate("pythonic", (PYTHON,)),
    Candidate("rusty", (RUST,)),
    Candidate("routes", (API,)),
    Candidate("tested", (TESTS,)),
    Candidate("bad", (PYTHON, PYTHON), taken_back=True),
    Candidate("unknown"),
)
BY_RUN = Wishes(active="pythonic")


@pytest.mark.parametrize(
    ("wishes", "question", "name", "why"),
    [
        # Nobody chose: path, then language, then how many rules apply; without a winner the active one.
        (BY_RUN, "Write a Rust function", "rusty", "learned for Rust"),
        (BY_RUN, "Change src/api/user.py", "routes", "learned for src/api/user.py"),
        (BY_RUN, "Write a pytest test of load in Python", "tested", "learned for Python"),
        (BY_RUN, "Write a Python function", "pythonic", ""),
        (BY_RUN, "Write a function", "pythonic", ""),
        (BY_RUN, "Write a Go function", "pythonic", ""),
        (Wishes(active=""), "Write a Go function", "", ""),
        (Wishes(active=""), "Write a Rust function", "rusty", "learned for Rust"),
        (Wishes(active="unknown"), "Write a Python function", "pythonic", "learned for Python"),
        # A person chose: never another one.
        (Wishes(active="pythonic", active_by_person=True), "Write a Rust function", "pythonic", ""),
        (Wishes(active="", active_by_person=True), "Write a Rust function", "", ""),
        (Wishes(project="pythonic"), "Write a Rust function", "pythonic", "this project's"),
        (Wishes(project=OFF, active="rusty"), "Write a Rust function", "", "this project's"),
        (Wishes(session="routes", project="rusty"), "Write a Rust function", "routes", "your choice"),
        (Wishes(session=OFF, project="rusty"), "Write a Rust function", "", "your choice"),
        # One that is not there: the engine refuses the wish of now, and a project's gives way and says so.
        (Wishes(session="gone"), "Hello", "gone", "your choice"),
        (
            Wishes(project="gone", active="pythonic"),
            "Write a Python function",
            "pythonic",
            "this project's gone is not here, or not for this model",
        ),
    ],
)
def test_the_table(wishes: Wishes, question: str, name: str, why: str) -> None:
    found = choose_adapter(CANDIDATES, wishes, request(question))
    assert (found.name, found.why) == (name, why)


def test_one_that_knows_more_rules_of_the_question_is_taken() -> None:
    found = choose_adapter(
        (Candidate("one", (PYTHON,)), Candidate("two", (PYTHON, Scope()))),
        Wishes(active="one"),
        request("Write a Python function"),
    )
    assert found == Chosen("two", "learned for Python", "question")


def test_without_candidates_nothing_is_made_up() -> None:
    assert choose_adapter((), Wishes(active="old"), request("Write a Rust function")) == Chosen("old")
