from __future__ import annotations

from dataclasses import replace

import pytest

from shammah_tui.learning.child import Answer
from shammah_tui.learning.event import GateJudged
from shammah_tui.learning.example import Example
from shammah_tui.learning.gate import Case, Cases, Measured, adheres, best, judged

BASE = [1, 2, 3, 50, 51]
CHOSEN = [1, 2, 3, 60, 61]


def said(tokens: list[int], *, ended: bool = True) -> Answer:
    return Answer(tokens, " ".join(map(str, tokens)), ended)


def case(kind: str, number: int) -> Case:
    replay = kind != "heldout"
    example = Example(number, kind, "rule", "red", 4.0, [number], BASE, replay, not replay)
    return Case(example, f"prompt {number}", said(BASE), CHOSEN, BASE, said(CHOSEN).text)


CASES = Cases(
    rated=[case("heldout", number) for number in range(10)],
    replay=[case(kind, number) for kind in ("near_scope", "out_of_scope") for number in range(1, 21)],
    made_up=[],
    variants=[],
    retention=[],
    max_tokens=64,
    agreement=[True] * 50,
    sense=[True] * 10,
)
GOOD = Measured(
    scale=1.0,
    answers=[said(CHOSEN)] * 10 + [said(BASE)] * 40,
    pairs=[True] * 10,
    base_nll=2.0,
    nll=2.01,
    kl=0.01,
    retention_tokens=500,
)


def failing(measured: Measured, cases: Cases = CASES) -> list[str]:
    return [criterion.name for criterion in judged(measured, cases).criteria if not criterion.passed]


def test_an_adapter_that_learned_and_kept_everything_is_accepted() -> None:
    table = judged(GOOD, CASES)
    assert table.accepted
    assert not table.reasons
    assert not table.examples
    assert all(criterion.n > 0 for criterion in table.criteria)


def test_each_harm_is_refused_by_the_line_that_measures_it() -> None:
    nan = float("nan")
    changed = [said(CHOSEN)] * 10 + [said([1, 2, 3, 50, 52])] * 4 + [said(BASE)] * 36
    outside = [said(CHOSEN)] * 10 + [said(BASE)] * 38 + [said([9, 9])] * 2
    endless = [said(CHOSEN, ended=False)] * 3 + [said(CHOSEN)] * 7 + [said(BASE)] * 40
    empty = [said([])] * 2 + [said(CHOSEN)] * 8 + [said(BASE)] * 40
    assert failing(replace(GOOD, answers=changed)) == ["near-scope answers unchanged"]
    assert failing(replace(GOOD, answers=outside)) == ["out-of-scope answers unchanged"]
    assert failing(replace(GOOD, answers=endless)) == ["answers neither empty nor endless"]
    assert "answers neither empty nor endless" in failing(replace(GOOD, answers=empty))
    assert failing(replace(GOOD, pairs=[True] * 7 + [False] * 3)) == ["pairs: chosen likelier than criticised"]
    assert failing(replace(GOOD, nll=2.1)) == ["retention NLL a token"]
    assert failing(replace(GOOD, kl=0.03)) == ["retention KL a token"]
    assert failing(replace(GOOD, kl=nan, nll=nan)) == ["retention NLL a token", "retention KL a token"]
    disagreeing = replace(CASES, agreement=[False] * 3 + [True] * 47)
    assert failing(GOOD, disagreeing) == ["format agreement of folder and GGUF"]
    senseless = replace(CASES, sense=[True] * 5 + [False] * 5)
    assert failing(GOOD, senseless) == ["criticised rows ask for another answer"]


def test_many_changed_answers_to_made_up_prompts_are_refused_and_a_few_are_not() -> None:
    cases = replace(CASES, made_up=[case("out_of_scope", number) for number in range(100, 120)])
    few, many = ([said(BASE)] * (20 - changed) + [said([8])] * changed for changed in (3, 4))
    assert not failing(replace(GOOD, answers=[*GOOD.answers, *few]), cases)
    assert failing(replace(GOOD, answers=[*GOOD.answers, *many]), cases) == ["made-up prompts' answers unchanged"]


def test_an_adapter_that_learned_nothing_is_refused_with_its_rows_shown() -> None:
    table = judged(replace(GOOD, answers=[said(BASE)] * 50), CASES)
    assert not table.accepted
    assert "n = 10" in table.reasons[0]
    assert table.examples[0]["prompt"] == "prompt 0"


def test_a_single_miss_in_a_small_sample_is_allowed() -> None:
    one = [said(CHOSEN)] * 10 + [said([8])] + [said(BASE)] * 39
    few = replace(CASES, replay=CASES.replay[:6])
    assert judged(replace(GOOD, answers=one[:16]), few).accepted


@pytest.mark.parametrize(
    ("tokens", "does"),
    [
        (CHOSEN, True),
        ([1, 7, 3, 60, 61], True),  # other names, the same turn
        (BASE, False),
        ([1, 2, 3, 50, 51, 60, 61, 50, 51], False),  # both: the habit is still there
        ([1, 2, 3], False),
        ([], False),
    ],
)
def test_adherence_looks_at_what_sets_the_two_answers_apart(tokens: list[int], does: bool) -> None:
    assert adheres(CASES.rated[0], said(tokens)) is does


def test_the_best_scale_is_the_accepted_one_that_keeps_most() -> None:
    strong = judged(replace(GOOD, answers=[said(CHOSEN)] * 10 + [said(BASE)] * 39 + [said([8])]), CASES)
    weaker = judged(replace(GOOD, scale=0.75), CASES)
    refused = GateJudged(0.5, False, ())
    assert best([strong, weaker, refused]).scale == 0.75
    assert best([refused]).scale == 0.5


def test_of_the_answers_that_may_change_a_part_of_one_counts_as_one() -> None:
    cases = replace(CASES, rated=[], replay=[case("out_of_scope", number) for number in range(1, 34)])
    two, three = ([said(BASE)] * (33 - changed) + [said([9, 9])] * changed for changed in (2, 3))
    assert "out-of-scope answers unchanged" not in failing(replace(GOOD, answers=two), cases)
    assert "out-of-scope answers unchanged" in failing(replace(GOOD, answers=three), cases)
