"""The local model is doubted for reasons, the reasons are fitted to ratings, and no kind of task is given up."""

from __future__ import annotations

import math
import random

import pytest

from shammah_tui.backends.certainty import PRIOR, Curve, Evidence, Rated, declines, doubt, fit, is_looping
from shammah_tui.backends.experience import OTHER, Tally, kind_of
from shammah_tui.backends.experience import doubt as doubt_by_ratings


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(), ""),
        (Evidence(-0.1, 0.2), ""),
        (Evidence(-3.0, 4.0), "unsure"),
        (Evidence(-0.1, 0.2, is_looping=True), "repeats itself"),
        (Evidence(-0.1, 0.2, declined=True), "cannot answer"),
        (Evidence(-0.1, 0.2, malformed_calls=1), "cannot be read"),
        (Evidence(-0.1, 0.2, verifier_failed=True), "did not pass"),
        (Evidence(-0.1, 0.2, tool_failures=2), ""),
        (Evidence(-0.1, 0.2, tool_failures=3), "last 3 tool calls"),
    ],
)
def test_each_sign_of_failure_is_named(evidence: Evidence, words: str) -> None:
    found = doubt(evidence)
    assert (words in found) if words else (found == "")


def test_without_ratings_the_curve_is_the_prior() -> None:
    fitted = fit([])
    assert (fitted.bias, fitted.cost, fitted.entropy) == pytest.approx((PRIOR.bias, PRIOR.cost, PRIOR.entropy))


def answers(truth: Curve, count: int, chance: random.Random) -> list[Rated]:
    found = []
    for _ in range(count):
        logprob, entropy = -chance.expovariate(1.5), chance.expovariate(1.0)
        found.append(Rated(logprob, entropy, chance.random() < truth.chance(logprob, entropy)))
    return found


def miscalibration(curve: Curve, rated: list[Rated], bins: int = 10) -> float:
    """Expected calibration error: how far chances are from what came true, on average."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for answer in rated:
        value = curve.chance(answer.mean_logprob, answer.mean_entropy)
        groups[min(bins - 1, int(value * bins))].append((value, answer.is_good))
    return sum(abs(sum(value for value, _ in group) - sum(good for _, good in group)) for group in groups) / len(rated)


def test_ratings_make_the_chances_come_true() -> None:
    chance = random.Random(3)
    truth = Curve(bias=-1.5, cost=-0.6, entropy=0.1)
    unseen = answers(truth, 4000, chance)
    few, many = fit(answers(truth, 15, chance)), fit(answers(truth, 400, chance))
    assert miscalibration(PRIOR, unseen) > 0.2
    assert miscalibration(few, unseen) < miscalibration(PRIOR, unseen)
    assert miscalibration(many, unseen) < 0.06


@pytest.mark.parametrize("good", [True, False])
def test_ratings_that_all_agree_give_a_curve_that_is_finite(good: bool) -> None:
    curve = fit([Rated(-0.5, 0.5, good, 10.0)] * 200)
    assert all(math.isfinite(value) for value in (curve.bias, curve.cost, curve.entropy))
    assert (curve.chance(-0.5, 0.5) > 0.5) is good


@pytest.mark.parametrize(
    ("text", "declined"),
    [
        ("I am the small demo model, so I cannot answer that. A real model can.", True),
        ("I'm sorry, but I can't help with that.", True),
        ("I don't know.", True),
        ("I know.", False),
        ("The function cannot answer, I don't know why.", False),
        ("", False),
    ],
)
def test_an_answer_that_is_none_is_seen(text: str, declined: bool) -> None:
    assert declines(text) is declined


@pytest.mark.parametrize(
    "text",
    ["I am sorry. " * 30, "x = 1\ny = 2\n" * 40, "The answer is: " + "no " * 80, "a" * 200],
)
def test_a_loop_is_seen(text: str) -> None:
    assert is_looping(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no no no",
        "# Title\n" + "-" * 200,
        "\n".join(f"- item {number}: done" for number in range(60)),
        "def f(x):\n    return x\n" * 3,
        "| a | b |\n|---|---|\n" + "\n".join(f"| {number} | {number * 7} |" for number in range(40)),
    ],
)
def test_repetition_that_means_something_is_no_loop(text: str) -> None:
    assert not is_looping(text)


def test_a_kind_without_bad_ratings_is_never_doubted() -> None:
    chance = random.Random(1)
    assert not any(doubt_by_ratings("git", Tally(5, 0), Tally(), chance) for _ in range(500))


def test_a_kind_that_went_badly_is_mostly_doubted_and_never_given_up() -> None:
    chance = random.Random(1)
    found = [doubt_by_ratings("git", Tally(0, 1000), Tally(20, 0), chance) for _ in range(2000)]
    doubted = sum(map(bool, found)) / len(found)
    assert 0.85 < doubted < 0.99
    assert "git" in next(filter(None, found))


def test_new_good_ratings_win_a_kind_back() -> None:
    chance = random.Random(1)

    def share(local: Tally) -> float:
        return sum(bool(doubt_by_ratings("git", local, Tally(), chance)) for _ in range(1000)) / 1000

    assert share(Tally(1, 10)) > 0.7 > 0.3 > share(Tally(11, 3))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Write unit tests for parse_date", "tests"),
        ("squash the last two commits with git", "git"),
        ("Why does this raise a KeyError exception?", "fix"),
        ("refactor the loop into a function", "refactor"),
        ("explain what a monad is", "explain"),
        ("create hello.py that prints hello", "write"),
        ("find all TODO comments", "find"),
        ("שלום", OTHER),
    ],
)
def test_a_question_has_a_kind_by_its_words(question: str, kind: str) -> None:
    assert kind_of(question) == kind
