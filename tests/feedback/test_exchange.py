"""Ratings travel as JSONL, in a form of our own and in TRL's, and come back once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.feedback.exchange import FORMS, as_jsonl, parse
from shammah_tui.feedback.service import Feedback
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Rating, Snapshot

CALLED = (
    Message("user", "Say x \u2028 in Python"),
    Message("assistant", "", (ToolCall("1", "Read", '{"file_path": "a.py"}'),)),
    Message("tool", "x", tool_call_id="1"),
)
SHOT = Snapshot(
    CALLED, "```python\nprint()\n```", "You are Shammah.", "s", 2, "Demo", "a", "local", "/p", "python", ("a.py",)
)
RED = Rating(1, "red", SHOT, "log it", created_at=5.0, rewrite="better", state="ready")
GREEN = Rating(2, "green", replace(SHOT, session="", turn=0), created_at=6.0)


def test_the_full_form_brings_back_all_that_the_person_said() -> None:
    data, silent = as_jsonl([RED, GREEN], "full")
    parsed = parse(data)
    assert (silent, parsed.problems) == (0, ())
    assert parsed.ratings == (replace(RED, id=0, rewrite="", state="waiting"), replace(GREEN, id=0))


def test_trls_forms_are_written_and_read() -> None:
    pairs, silent = as_jsonl([RED, GREEN], "preference")
    written = json.loads(pairs)
    assert silent == 1
    assert (written["chosen"], written["rejected"]) == (
        [{"role": "assistant", "content": "better"}],
        [{"role": "assistant", "content": SHOT.answer}],
    )
    (pair,) = parse(pairs, "yellow").ratings
    assert (pair.color, pair.correction, pair.snapshot.answer) == ("yellow", "better", SHOT.answer)
    completions, _ = as_jsonl([RED, GREEN], "completion")
    assert [rating.color for rating in parse(completions).ratings] == ["green", "green"]
    plain = parse(b'{"prompt": "q", "chosen": "a", "rejected": "b"}\r\n\n{"prompt": "q", "completion": "c"}')
    assert [rating.snapshot.answer for rating in plain.ratings] == ["b", "c"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nope", "Invalid JSON"),
        (b"[]", "object"),
        (b'{"prompt": "q"}', "neither answer"),
        (b'{"prompt": "q", "chosen": "a"}', "neither answer"),
        (b'{"prompt": "", "answer": "a"}', "prompt is empty"),
        (b'{"prompt": "q", "answer": " "}', "the answer is empty"),
        (b'{"prompt": "q", "answer": "a", "color": "blue"}', "color"),
        (b'{"prompt": [{"role": "wizard", "content": "q"}], "answer": "a"}', "role"),
        (b'{"prompt": "\xff", "answer": "a"}', "Invalid"),
        (b'{"prompt": "q", "answer": "a", "turn": -1}', "turn"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_by_its_number(line: bytes, words: str) -> None:
    parsed = parse(b'\xef\xbb\xbf{"prompt": "q", "answer": "a"}\n\n' + line + b"\n")
    assert len(parsed.ratings) == 1
    ((number, reason),) = parsed.problems
    assert number == 3
    assert words in reason


async def test_what_is_here_already_is_not_taken_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "shammah.db")
    feedback = Feedback(database)
    taken = await feedback.take([RED, GREEN, GREEN])
    assert (len(taken.added), taken.repeated) == (2, 1)
    again = await feedback.take(parse(as_jsonl([RED, replace(RED, note="otherwise")], "full")[0]).ratings)
    assert (len(again.added), again.repeated) == (0, 2)
    kept = await feedback.ratings.list()
    assert [rating.note for rating in kept] == ["", "log it"]
    for form in FORMS:
        data, _ = as_jsonl(kept, form)
        assert data.count(b"\n") == len(data.split(b"\n")) - 1
    database.close()
