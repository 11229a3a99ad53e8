"""Rows for training: what inference sends, each prompt once for a rule, and never a target that somebody criticised."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from shammah_tui.conversation import Message, ToolCall, ToolSpec
from shammah_tui.feedback.rows import BREAKS_RULE, CRITICISED, REPEATED, RULE_OFF, as_jsonl, rows_of
from shammah_tui.learning.rows import read_rows
from shammah_tui.store.rating import Rating, Snapshot
from shammah_tui.store.rule import Check, Rule, Scope, Verifier
from shammah_tui.store.variant import Variant

PRINTS = '```python\nprint("x")\n```'
LOGS = '```python\nimport logging\nlogging.info("x")\n```'
RULE = Rule(
    7,
    "In Python: use `logging`, no `print`.",
    Scope(("python",)),
    Verifier((Check("construct", "print"),), (Check("construct", "logging"),)),
    "both",
    "prompt",
)
RULES = {7: RULE}


def shot(question: str, answer: str = PRINTS) -> Snapshot:
    return Snapshot((Message("user", question),), answer, "You are Shammah.")


def red(number: int, question: str = "Say x in Python") -> Rating:
    return Rating(number, "red", shot(question), "log", rule=7, state="ready", rewrite=LOGS, rewrite_source="claude")


def green(number: int, question: str = "Say x in Python", answer: str = LOGS) -> Rating:
    return Rating(number, "green", shot(question, answer), state="ready")


def variant(rating: int, question: str, kind: str = "in_scope") -> Variant:
    messages = (Message("system", "You are Shammah."), Message("user", question))
    chosen = LOGS if kind in ("in_scope", "heldout") else ""
    return Variant(rating, 7, kind, messages, chosen, "made", 1.0)  # type: ignore[arg-type]


def test_a_criticised_answer_is_never_a_target_and_every_row_says_where_it_comes_from() -> None:
    built = rows_of([red(3)], RULES, [variant(3, "Say y"), variant(3, "Say z", "near_scope")])
    first, second, third = built.rows
    assert (first.chosen, first.rejected, first.rule, first.color) == (LOGS, PRINTS, RULE.line, "red")
    assert [message.content for message in first.messages] == ["You are Shammah.", "Say x in Python"]
    assert (first.provenance.rating, first.provenance.rule, first.provenance.source) == (3, 7, "claude")
    assert (second.provenance.source, second.provenance.date) == ("made", "1970-01-01T00:00:01+00:00")
    assert (third.kind, third.chosen) == ("near_scope", "")
    assert PRINTS not in [row.chosen for row in built.rows]
    assert (built.ratings, built.rules, built.teaches) == ((3,), (7,), True)


def test_the_same_prompt_counts_once_for_a_rule_and_the_newest_rating_counts() -> None:
    newer = replace(red(9), rewrite=LOGS.replace("x", "y"))
    built = rows_of([newer, red(3)], RULES, [variant(9, "Say y"), variant(9, "Say y"), variant(9, "Say x in Python")])
    assert [row.provenance.rating for row in built.rows] == [9, 9]
    assert built.left_out == {3: REPEATED}


def test_a_hundred_times_the_same_good_on_one_bad_answer_does_not_win() -> None:
    praise = [green(number, answer=PRINTS) for number in range(100, 200)]
    built = rows_of([*praise, red(3)], RULES, [])
    assert [row.chosen for row in built.rows] == [LOGS]
    assert set(built.left_out.values()) == {CRITICISED}
    alone = rows_of([green(number, "Greet in French", "Bonjour") for number in range(100)], {}, [])
    assert len(alone.rows) == 1


def test_praise_for_an_answer_that_breaks_a_rule_in_force_is_no_row() -> None:
    built = rows_of([green(1, "Say y in Python", PRINTS)], RULES, [])
    assert built.left_out == {1: BREAKS_RULE.format(line=RULE.line)}
    assert len(rows_of([green(1, "Say y in Python", PRINTS)], {7: replace(RULE, state="off")}, []).rows) == 1
    assert len(rows_of([green(1, "Say y in Python")], RULES, []).rows) == 1


def test_a_rule_that_is_off_teaches_nothing() -> None:
    built = rows_of([red(3)], {7: replace(RULE, state="off")}, [variant(3, "Say y")])
    assert (built.rows, built.left_out, built.teaches) == ((), {3: RULE_OFF}, False)


def test_what_waits_is_left_out_with_its_reason() -> None:
    waiting = replace(red(3), state="waiting", rewrite="", reason="It waits for a model that is ready.")
    assert rows_of([waiting], RULES, [variant(3, "Say y")]).left_out == {3: "It waits for a model that is ready."}


def test_rows_are_what_the_trainer_reads(tmp_path: Path) -> None:
    called = (
        Message("user", "Say x in Python"),
        Message("assistant", "", (ToolCall("1", "Read", '{"file_path": "a\u2028.py"}'),)),
        Message("tool", "x", tool_call_id="1"),
    )
    rating = replace(red(3), snapshot=Snapshot(called, PRINTS, "You are Shammah."), masked=("AWS key",))
    built = rows_of([rating], RULES, [variant(3, "Say y", "heldout"), variant(3, "Say z", "out_of_scope")])
    file = tmp_path / "rows.jsonl"
    file.write_bytes(as_jsonl(built.rows, (ToolSpec("Read", "Reads", {"type": "object"}),)))
    rows = read_rows(file)
    assert [row.kind for row in rows] == ["in_scope", "heldout", "out_of_scope"]
    assert [row.rule for row in rows] == [RULE.line] * 3
    assert [row.scope for row in rows] == [RULE.scope] * 3, "the adapter is to know where its rules apply"
    assert rows[0].messages[2]["tool_calls"][0]["function"]["name"] == "Read"
    assert rows[0].tools[0]["function"]["name"] == "Read"
    assert (rows[0].rejected, rows[2].chosen) == (PRINTS, "")
    assert built.masked == ("AWS key",)
    written = json.loads(file.read_bytes().split(b"\n")[0])
    assert set(written["provenance"]) == {"rating", "rule", "source", "date"}
