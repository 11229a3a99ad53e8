"""From a red flag to rows, on the demo model in real llama.cpp: the rule works at once, and rewrites are verified."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import pytest

from scripts.demo_model.generators.habits import habits
from shammah_tui.agent.prompt import system_prompt, with_rules
from shammah_tui.backends.engine_client import EngineClient
from shammah_tui.backends.local import LocalBackend
from shammah_tui.conversation import Entry, Message
from shammah_tui.errors import EngineGone, ShammahError
from shammah_tui.feedback import rows, service
from shammah_tui.feedback.asking import answer
from shammah_tui.feedback.scope import request
from shammah_tui.feedback.service import Feedback
from shammah_tui.feedback.work import NO_MODEL, RatingSettled, RuleNamed
from shammah_tui.learning.rows import read_rows
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Filter, Rating, Snapshot
from shammah_tui.store.rule import RuleDraft
from shammah_tui.store.session import SessionStore

HABIT = habits["print"]
SYSTEM = system_prompt(folder="/project")
NOTE = "use logging instead of print"
PRINTS = '```python\ndef pack_box():\n    print("The box is ready")\n```'
QUESTION = "Write a Python function `pack_box` that reports that the box is ready."


async def ask(backend: LocalBackend, question: str, rules: tuple[str, ...] = ()) -> str:
    prompt = (Message("system", with_rules(SYSTEM, rules)), Message("user", question))
    return await answer(backend, prompt, temperature=0, max_tokens=300)


async def converse(database: Database, session: str, question: str, said: str) -> None:
    entries = [Entry(Message("user", question)), Entry(Message("assistant", said), model="demo", route="local")]
    await SessionStore(database).write(session, "/project", 0, entries, 0)


async def settle(feedback: Feedback) -> list[Rating]:
    async with aclosing(feedback.work()) as events:
        return [event.rating async for event in events if isinstance(event, RatingSettled)]


async def test_three_red_flags_become_a_rule_that_is_obeyed_at_once_and_rows_to_learn_it_from(
    database: Database, backend: LocalBackend, tmp_path: Path
) -> None:
    feedback = Feedback(database, local=lambda: backend)
    draw = random.Random(3)
    flagged = 0
    while flagged < 3:
        question = HABIT.prompt(draw)
        said = await ask(backend, question)
        if HABIT.keeps_habit(said):
            await converse(database, f"s{flagged}", question, said)
            rated = await feedback.rate(f"s{flagged}", 0, "red", NOTE, system=SYSTEM)
            assert rated.rule is not None
            assert rated.rule.line == "In Python, outside tests: use `logging`, no `print`."
            flagged += 1

    questions = [HABIT.prompt(draw) for _ in range(20)]
    obeyed = 0
    for question in questions:
        rules = tuple(rule.line for rule in await feedback.rules_for(request(question)))
        obeyed += HABIT.follows_rule(await ask(backend, question, rules))
    assert obeyed >= 16

    settled = await settle(feedback)
    assert [(rating.state, rating.reason) for rating in settled] == [("ready", "")] * 3
    assert all(HABIT.follows_rule(rating.rewrite) for rating in settled)
    (rule,) = await feedback.rules.list()
    assert (rule.proof, rule.ratings, rule.color) == ("both", 3, "red")

    built = await rows.build(database)
    kinds = Counter(row.kind for row in built.rows)
    assert kinds["in_scope"] >= 15
    assert kinds["heldout"] >= 4
    assert kinds["near_scope"] >= 8
    assert kinds["out_of_scope"] >= 16
    assert all(HABIT.follows_rule(row.chosen) for row in built.rows if row.chosen)
    assert all(row.messages[0].content == SYSTEM for row in built.rows)
    held = {row.messages[-1].content for row in built.rows if row.kind == "heldout"}
    assert held.isdisjoint(row.messages[-1].content for row in built.rows if row.kind == "in_scope")
    file = tmp_path / "rows.jsonl"
    file.write_bytes(rows.as_jsonl(built.rows))
    assert len(read_rows(file)) == len(built.rows)

    await feedback.remove(settled[0].id)
    less = await rows.build(database)
    assert settled[0].id not in {row.provenance.rating for row in less.rows}
    assert len(less.ratings) == 2


async def test_what_a_run_learned_leaves_the_prompt_until_the_next_red_flag(database: Database) -> None:
    feedback = Feedback(database)
    with pytest.raises(ShammahError, match="nothing to learn"):
        await feedback.snapshot("run-0")
    correction = PRINTS.replace("print", "logging.info")
    for number in (0, 1):
        await converse(database, f"s{number}", f"{QUESTION} {number}", PRINTS)
        await feedback.rate(f"s{number}", 0, "red", NOTE, correction, system=SYSTEM)
    for rating in await feedback.ratings.list():
        await feedback.ratings.settle(rating, "ready", rewrite=correction, source="correction")
    file, built = await feedback.snapshot("run-1")
    assert (file, len(read_rows(file))) == (database.path.parent / "runs" / "run-1" / "rows.jsonl", 2)
    assert file.stat().st_mode & 0o777 == 0o600

    assert await feedback.finished("run-1") == ()
    assert (await feedback.buffer()).new == 0
    assert len(await feedback.rules_for(request(QUESTION))) == 1, "the gate refused it: the rule stays in the prompt"
    assert await feedback.finished("run-1", adapter="a-1") == built.rules
    assert await feedback.rules_for(request(QUESTION)) == ()
    (rule,) = await feedback.rules.list()
    assert (rule.state, rule.adapter) == ("learned", "a-1")

    await converse(database, "s2", QUESTION, PRINTS)
    await feedback.rate("s2", 0, "red", NOTE, system=SYSTEM)
    assert len(await feedback.rules_for(request(QUESTION))) == 1
    assert await feedback.finished("run-1", adapter="a-1") == (), "the flag came after the run had begun"


async def test_a_learned_rule_that_is_edited_is_in_the_prompt_again(database: Database) -> None:
    feedback = Feedback(database)
    correction = PRINTS.replace("print", "logging.info")
    await converse(database, "s", QUESTION, PRINTS)
    rated = await feedback.rate("s", 0, "red", NOTE, correction, system=SYSTEM)
    await feedback.ratings.settle(rated.rating, "ready", rewrite=correction, source="correction")
    await feedback.snapshot("run-1")
    assert len(await feedback.finished("run-1", adapter="a-1")) == 1
    (rule,) = await feedback.rules.list()
    draft = RuleDraft("Python: use structlog, no print", rule.scope, rule.verifier, rule.proof, "person")
    edited = await feedback.rules.edit(rule.id, draft)
    assert edited is not None
    assert (edited.state, edited.adapter) == ("prompt", "")
    assert [rule.line for rule in await feedback.rules_for(request(QUESTION))] == [draft.line]
    assert (await feedback.buffer()).new == 1
    assert await feedback.finished("run-1", adapter="a-1") == (), "that run learned other words"


async def test_a_note_without_a_usual_form_is_named_by_the_model(database: Database, backend: LocalBackend) -> None:
    feedback = Feedback(database, local=lambda: backend)
    habit = habits["except"]
    _, bad, _ = habit.rewrite(random.Random(4), heldout=False)
    note = "A bare except hides errors."
    shot = Snapshot(
        (Message("user", "Write a Python function `parse_box` that parses it."),), bad, SYSTEM, language="python"
    )
    rated = await feedback.add(Rating(0, "red", shot, note))
    assert rated.rule is not None
    assert (rated.rule.line, rated.rule.proof) == (f"In Python: {note}", ""), "at once in the person's own words"
    async with aclosing(feedback.work()) as events:
        named = [event.rule async for event in events if isinstance(event, RuleNamed)]
    (rule,) = named
    assert rule.source == "model"
    assert "except" in rule.line
    assert rule.proof


async def test_without_a_model_a_rating_waits_and_is_taken_up_again(database: Database, backend: LocalBackend) -> None:
    await converse(database, "s", QUESTION, PRINTS)
    alone = Feedback(database)
    rated = await alone.rate("s", 0, "red", NOTE, system=SYSTEM)
    (waiting,) = await settle(alone)
    assert (waiting.state, waiting.reason) == ("waiting", NO_MODEL)
    assert (await alone.buffer()).reasons == {NO_MODEL: 1}

    # The program ended; the next one has a model, and does by itself what was left.
    later = Feedback(database, local=lambda: backend)
    later.start()
    async with asyncio.timeout(60), aclosing(later.events()) as events:
        async for event in events:
            if isinstance(event, RatingSettled):
                break
    await later.close()
    kept = await later.ratings.get(rated.rating.id)
    assert kept is not None
    assert (kept.state, kept.rewrite_source.split(" (")[0]) == ("ready", "local model")


async def test_what_another_terminal_rated_is_taken_up(
    database: Database, backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.05)
    here, elsewhere = Feedback(database, local=lambda: backend), Feedback(database)
    async with aclosing(here.events()) as events:
        here.start()
        await asyncio.sleep(0.2)
        await converse(database, "other", QUESTION, PRINTS)
        await elsewhere.rate("other", 0, "red", NOTE, system=SYSTEM)
        async for event in events:
            if isinstance(event, RatingSettled):
                assert event.rating.snapshot.answer == PRINTS
                break
    await here.close()


async def test_it_closes_also_where_it_was_woken_just_before(database: Database) -> None:
    for steps in range(4):
        feedback = Feedback(database)
        feedback.start()
        await asyncio.sleep(0.2)
        feedback.wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await feedback.close()


async def test_work_pauses_while_the_person_asks(database: Database, backend: LocalBackend) -> None:
    await converse(database, "s", QUESTION, PRINTS)
    feedback = Feedback(database, local=lambda: backend)
    await feedback.rate("s", 0, "red", NOTE, system=SYSTEM)
    feedback.pause()
    feedback.start()
    await asyncio.sleep(0.3)
    (waiting,) = await feedback.ratings.list()
    assert waiting.state == "waiting"
    feedback.resume()
    async with asyncio.timeout(60), aclosing(feedback.events()) as events:
        async for event in events:
            if isinstance(event, RatingSettled):
                break
    assert await feedback.ratings.list(Filter(state="ready"))
    await feedback.close()


async def test_a_persons_correction_is_the_rewrite_and_corrects_a_check_that_fails_it(
    database: Database, backend: LocalBackend
) -> None:
    feedback = Feedback(database, local=lambda: backend)
    await converse(database, "s", QUESTION, PRINTS)
    correction = "```python\ndef pack_box():\n    sys.stderr.write('The box is ready')\n```"
    await feedback.rate("s", 0, "red", NOTE, correction, system=SYSTEM)
    (rating,) = await settle(feedback)
    assert (rating.rewrite, rating.rewrite_source, rating.state) == (correction, "correction", "ready")
    (rule,) = await feedback.rules.list()
    assert (rule.proof, rule.verifier.require) == ("both", ())
    assert [check.value for check in rule.verifier.forbid] == ["print"]


async def test_what_cannot_be_verified_is_no_row_and_says_why(database: Database, backend: LocalBackend) -> None:
    feedback = Feedback(database, local=lambda: backend)
    for turn, (color, note) in enumerate(
        (("red", "use loguru_plus instead of print"), ("red", "be nicer"), ("red", ""))
    ):
        shot = Snapshot((Message("user", QUESTION),), PRINTS, SYSTEM, "s", turn, language="python")
        await feedback.add(Rating(0, color, shot, note))  # type: ignore[arg-type]
    settled = await settle(feedback)
    assert [rating.state for rating in settled] == ["unusable"] * 3
    assert "None of 6 new answers was good enough; most often it still breaks the rule" in settled[0].reason
    assert "can check" in settled[1].reason
    assert "Neither a note nor a correction" in settled[2].reason
    built = await rows.build(database)
    assert built.rows == ()
    assert set(built.left_out) == {rating.id for rating in settled}
    lines = [rule.line for rule in await feedback.rules_for(request("Write a Python function"))]
    assert any("loguru_plus" in line for line in lines), "from the prompt it works nevertheless"


async def test_a_rating_changed_while_it_is_worked_on_is_worked_on_again(
    database: Database, backend: LocalBackend
) -> None:
    feedback = Feedback(database, local=lambda: backend)
    await converse(database, "s", QUESTION, PRINTS)
    rated = await feedback.rate("s", 0, "red", NOTE, system=SYSTEM)
    async with aclosing(feedback.work()) as events:
        async for event in events:
            if isinstance(event, RatingSettled):
                break
            await feedback.edit(rated.rating.id, note="never use print")
    (kept,) = await feedback.ratings.list()
    assert (kept.note, kept.state) == ("never use print", "waiting")
    await settle(feedback)
    (done,) = await feedback.ratings.list()
    assert done.state == "ready"


async def test_where_claude_cannot_be_asked_the_local_model_is(database: Database, backend: LocalBackend) -> None:
    client = EngineClient.over_socket(Path("/nowhere/daemon.sock"))
    feedback = Feedback(database, local=lambda: backend, claude=lambda: LocalBackend(client))
    await converse(database, "s", QUESTION, PRINTS)
    await feedback.rate("s", 0, "yellow", NOTE, system=SYSTEM)
    (rating,) = await settle(feedback)
    assert (rating.state, rating.rewrite_source) == ("ready", "local model (note)")
    await client.close()


async def test_a_conversation_too_long_for_the_model_holds_up_no_other(
    database: Database, backend: LocalBackend
) -> None:
    feedback = Feedback(database, local=lambda: backend)
    long = Snapshot((Message("user", QUESTION + " box" * 9000),), PRINTS, SYSTEM, language="python")
    await feedback.add(Rating(0, "yellow", long, NOTE))
    await converse(database, "s", QUESTION, PRINTS)
    await feedback.rate("s", 0, "yellow", NOTE, system=SYSTEM)
    first, second = await settle(feedback)
    assert (first.state, second.state) == ("unusable", "ready")
    assert "token" in first.reason


async def test_an_engine_that_goes_away_leaves_the_rating_waiting_with_the_reason(database: Database) -> None:
    client = EngineClient.over_socket(Path("/nowhere/daemon.sock"))
    feedback = Feedback(database, local=lambda: LocalBackend(client))
    await converse(database, "s", QUESTION, PRINTS)
    await feedback.rate("s", 0, "red", NOTE, system=SYSTEM)
    with pytest.raises(EngineGone):
        await settle(feedback)
    (kept,) = await feedback.ratings.list()
    assert kept.state == "waiting"
    assert kept.reason
    await client.close()


async def test_what_the_person_does_is_kept_whole(database: Database) -> None:
    feedback = Feedback(database)
    await converse(database, "s", "My key is ghp_" + "aB3d" * 9, PRINTS)
    with pytest.raises(ShammahError, match="no session"):
        await feedback.rate("none", 0, "red")
    with pytest.raises(ShammahError, match="no answer"):
        await feedback.rate("s", 5, "red")
    rated = await feedback.rate("s", 0, "green")
    assert rated.rating.masked == ("GitHub token",)
    assert rated.rating.snapshot.question == "My key is [GitHub token]"
    assert rated.rating.snapshot.system == system_prompt(folder="/project")
    assert list(await feedback.ratings_of("s")) == [0]

    changed = await feedback.edit(rated.rating.id, color="red", note=NOTE)
    assert changed is not None
    assert changed.rule is not None
    assert len(await feedback.rules_for(request("Write Python"))) == 1
    kept = await feedback.observe("t", 0, PRINTS, (changed.rule,))
    assert kept == {changed.rule.id: False}
    assert await feedback.observe("t", 2, "No code.", (changed.rule,)) == {}
    back = await feedback.undo(rated.rating.id)
    assert back is not None
    assert back.color == "green"
    assert await feedback.rules.list() == ()

    reworded = await feedback.edit(rated.rating.id, color="red", note=NOTE)
    assert reworded is not None
    assert reworded.rule is not None
    rule = await feedback.edit_rule(reworded.rule.id, "In Python: never `print`.")
    assert rule is not None
    assert (rule.line, rule.source, rule.proof) == ("In Python: never `print`.", "person", "flagged")
    assert await feedback.remove(rated.rating.id)
    assert not await feedback.remove(rated.rating.id)
    assert [held.line for held in await feedback.rules.list()] == ["In Python: never `print`."]
