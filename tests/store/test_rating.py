"""Ratings and rules on disk: what was acknowledged is kept, and what was taken back is gone with all it led to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Filter, Rating, RatingStore, Snapshot
from shammah_tui.store.rule import Check, RuleDraft, RuleStore, Scope, Verifier
from shammah_tui.store.session import SessionStore
from shammah_tui.store.variant import Variant, VariantStore

SHOT = Snapshot(
    (
        Message("user", "Write \u2028 it"),
        Message("assistant", "", (ToolCall("1", "Read", "{}"),)),
        Message("tool", "x", tool_call_id="1", failed=True),
    ),
    "print(1)",
    "You are Shammah.",
    "s",
    4,
    "Demo",
    "style",
    "local",
    "/project",
    "python",
    ("a.py",),
)
RED = Rating(0, "red", SHOT, "use logging", "logging.info(1)", ("GitHub token",))
DRAFT = RuleDraft(
    "In Python: use `logging`, no `print`.",
    Scope(("python",), outside_tests=True, paths=("src/**",)),
    Verifier((Check("construct", "print"),), (Check("name", "logging"),)),
    "flagged",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "shammah.db")
    yield opened
    opened.close()


def of_turn(turn: int, color: str = "red", note: str = "") -> Rating:
    assert color in ("red", "yellow", "green")
    return Rating(0, color, replace(SHOT, turn=turn), note)  # type: ignore[arg-type]


async def test_a_rating_comes_back_as_it_was_given(database: Database) -> None:
    store = RatingStore(database)
    kept = await store.add(RED)
    assert replace(kept, id=0, created_at=0.0, updated_at=0.0) == RED
    assert await store.get(kept.id) == kept
    assert await store.of_session("s") == {4: kept}


async def test_rating_the_same_answer_again_changes_it_and_undo_goes_back_step_by_step(database: Database) -> None:
    store = RatingStore(database)
    first = await store.add(of_turn(4, "yellow", "hm"))
    second = await store.add(of_turn(4, "red", "never"))
    assert (second.id, second.color, second.note) == (first.id, "red", "never")
    back = await store.undo(first.id)
    assert back is not None
    assert (back.color, back.note) == ("yellow", "hm")
    assert await store.undo(first.id) is None
    assert await store.list() == ()


async def test_a_key_alone_takes_nothing_back_of_what_was_said_with_the_last_one(database: Database) -> None:
    store = RatingStore(database)
    first = await store.add(replace(of_turn(4, "red", "use logging"), correction="logging.info(1)"))
    again = await store.add(of_turn(4, "yellow"))
    assert (again.id, again.color, again.note, again.correction) == (
        first.id,
        "yellow",
        "use logging",
        "logging.info(1)",
    )


async def test_a_rating_that_was_changed_since_a_training_began_is_still_new(database: Database) -> None:
    store = RatingStore(database)
    kept, changed = await store.add(of_turn(0, "red", "no print")), await store.add(of_turn(2, "red", "no print"))
    began_at = time.time()
    await store.edit(changed.id, note="use structlog")
    await store.trained("run-1", (kept.id, changed.id), began_at)
    assert [rating.id for rating in await store.list(Filter(only_new=True))] == [changed.id]


async def test_an_answer_that_was_given_anew_is_what_its_rating_is_about(database: Database) -> None:
    store = RatingStore(database)
    await store.add(of_turn(4))
    changed = await store.add(replace(of_turn(4), snapshot=replace(SHOT, answer="log(2)")))
    assert changed.snapshot.answer == "log(2)"


async def test_a_rating_outlives_its_session(database: Database) -> None:
    store, sessions = RatingStore(database), SessionStore(database)
    await sessions.write("s", "/", 0, [], 0)
    await store.add(RED)
    await sessions.remove("s")
    assert [rating.note for rating in await store.list()] == ["use logging"]


async def test_a_removed_rating_takes_its_rule_and_its_rows_along(database: Database) -> None:
    store, rules, variants = RatingStore(database), RuleStore(database), VariantStore(database)
    one, other = await store.add(of_turn(0)), await store.add(of_turn(2))
    rule = await rules.adopt(one.id, DRAFT)
    assert rule is not None
    await rules.adopt(other.id, DRAFT)
    await variants.replace(one.id, [Variant(one.id, rule.id, "in_scope", SHOT.messages, "yes", "test")])
    assert len(await variants.list()) == 1
    assert await store.remove((one.id,)) == 1
    assert await variants.list() == ()
    assert [held.ratings for held in await rules.list()] == [1]
    await store.undo(other.id)
    assert await rules.list() == ()


async def test_a_rule_that_the_person_worded_stays_without_ratings(database: Database) -> None:
    store, rules = RatingStore(database), RuleStore(database)
    rating = await store.add(RED)
    rule = await rules.adopt(rating.id, DRAFT)
    assert rule is not None
    await rules.edit(rule.id, replace(DRAFT, line="Log.", source="person"))
    await store.remove((rating.id,))
    assert [held.line for held in await rules.list()] == ["Log."]


async def test_the_list_is_filtered(database: Database) -> None:
    store = RatingStore(database)
    for turn, color, note in ((0, "red", "100% wool"), (2, "green", ""), (4, "yellow", "silk")):
        await store.add(of_turn(turn, color, note))
    assert [rating.snapshot.turn for rating in await store.list()] == [4, 2, 0]
    assert [rating.snapshot.turn for rating in await store.list(Filter(color="green"))] == [2]
    assert [rating.snapshot.turn for rating in await store.list(Filter(search="0% print"))] == [0]
    assert [rating.snapshot.turn for rating in await store.list(limit=1)] == [4]
    (newest, *_) = await store.list()
    await store.trained("run-1", (newest.id,), time.time())
    assert [rating.snapshot.turn for rating in await store.list(Filter(only_new=True))] == [2, 0]


async def test_the_buffer_counts_by_colour_and_says_what_waits_for_what(database: Database) -> None:
    store = RatingStore(database)
    one, two, three = [await store.add(of_turn(turn, "red")) for turn in (0, 2, 4)]
    assert await store.settle(one, "waiting", "It waits for a model.")
    assert await store.settle(two, "ready", rewrite="better", source="claude")
    await store.trained("run-1", (two.id,), time.time())
    buffer = await store.buffer()
    assert (buffer.by_color, buffer.total) == ({"red": 3, "yellow": 0, "green": 0}, 3)
    assert (buffer.new, buffer.new_ready) == (2, 0)
    assert (buffer.waiting, buffer.ready, buffer.unusable) == (2, 1, 0)
    assert buffer.reasons == {"It waits for a model.": 1}
    edited = await store.edit(two.id, note="other")
    assert edited is not None
    assert (edited.state, edited.run, edited.rewrite) == ("waiting", "", "")
    assert not await store.settle(two, "ready"), "it was changed since it was read"
    assert await store.settle(three, "unusable", "No.")


async def test_a_learned_rule_comes_back_into_the_prompt_with_a_new_red_flag(database: Database) -> None:
    store, rules = RatingStore(database), RuleStore(database)
    rule = await rules.adopt((await store.add(of_turn(0))).id, DRAFT)
    assert rule is not None
    assert await rules.put((rule.id,), "learned", adapter="a-1") == 1
    learned = await rules.get(rule.id)
    assert learned is not None
    assert (learned.state, learned.adapter) == ("learned", "a-1")
    again = await rules.adopt((await store.add(of_turn(2))).id, replace(DRAFT, line="Other words for the same checks."))
    assert again is not None
    assert (again.id, again.state, again.adapter, again.ratings) == (rule.id, "prompt", "", 2)
    await rules.put((rule.id,), "learned", adapter="a-2")
    assert await rules.forgotten("a-1") == 0
    assert await rules.forgotten("a-2") == 1


async def test_the_gravest_rule_comes_first_and_a_few_last_answers_tell_how_often_it_was_kept(
    database: Database,
) -> None:
    store, rules = RatingStore(database), RuleStore(database)
    for turn, color in ((0, "yellow"), (2, "yellow"), (4, "red")):
        line = "Rare." if color == "red" else "Often."
        await rules.adopt((await store.add(of_turn(turn, color))).id, RuleDraft(line))
    grave, often = await rules.list()
    assert (grave.line, grave.color, often.line, often.ratings) == ("Rare.", "red", "Often.", 2)
    for turn in range(30):
        await rules.observe("s", turn, {grave.id: turn >= 15})
    await rules.observe("s", 29, {grave.id: False, 99: True})
    found = await rules.get(grave.id)
    assert found is not None
    assert (found.kept, found.seen) == (14, 20)


async def test_a_removed_rule_does_not_come_back_by_itself(database: Database) -> None:
    store, rules = RatingStore(database), RuleStore(database)
    rating = await store.add(RED)
    rule = await rules.adopt(rating.id, DRAFT)
    assert rule is not None
    assert await rules.remove(rule.id)
    kept = await store.get(rating.id)
    assert kept is not None
    assert (kept.rule, kept.state, kept.reason) == (None, "unusable", "Its rule was removed.")


WRITER = """
import asyncio, pathlib, resource, signal, sys
from shammah_tui.conversation import Message
from shammah_tui.errors import HomeError
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Rating, RatingStore, Snapshot
async def main():
    store = RatingStore(Database(pathlib.Path(sys.argv[1])))
    await store.list()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.argv[2] == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for number in range(100000):
        try:
            shot = Snapshot((Message("user", "q" * 1000),), "a", session="s", turn=number)
            await store.add(Rating(0, "red", shot, str(number)))
            print(number, flush=True)
        except HomeError as error:
            print(error.message, flush=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await store.add(Rating(0, "red", shot, str(number)))
            print(number, flush=True)
            return
asyncio.run(main())
"""


def start(path: Path, disk: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), disk], stdout=subprocess.PIPE, text=True)


def numbers_in(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        found = connection.execute("SELECT note FROM rating ORDER BY id").fetchall()
    connection.close()
    return [int(row[0]) for row in found]


@pytest.mark.parametrize("acknowledged", [1, 23, 80])
def test_a_rating_that_was_acknowledged_survives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "shammah.db"
    child = start(path, "plenty")
    assert child.stdout is not None
    last = [int(child.stdout.readline()) for _ in range(acknowledged)][-1]
    os.kill(child.pid, signal.SIGKILL)
    rest = [int(line) for line in child.stdout.read().split("\n") if line.isdigit()]
    child.wait()
    child.stdout.close()
    kept = numbers_in(path)
    assert kept == list(range(len(kept)))
    # A last number may have been cut in the middle: what was printed before it is certain.
    assert len(kept) > max([last, *rest[:-1]])


def test_a_full_disk_is_told_and_the_next_rating_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "shammah.db"
    child = start(path, "full")
    said, _ = child.communicate(timeout=60)
    *before, trouble, after = said.strip().split("\n")
    assert "cannot be used" in trouble
    assert before
    assert numbers_in(path) == [*map(int, before), int(after)]
