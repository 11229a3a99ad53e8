"""The guard: a call runs only as it was judged and granted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.conversation import ToolCall
from shammah_tui.tools.guard import Guard, refusal
from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.decision import Decision, Mode, Rule, Verdict
from shammah_tui.tools.sandbox.sandbox import Sandbox, SandboxState
from shammah_tui.tools.tool import Result


@pytest.fixture
async def guard(folder: Path, own_ground: Path) -> AsyncIterator[Guard]:
    guard = a_guard(folder, own_ground)
    yield guard
    await guard.close()


def a_guard(folder: Path, own_ground: Path, **options: Any) -> Guard:
    return Guard(folder, own_ground, {"HOME": str(folder.parent), "LANG": "C.UTF-8"}, **options)


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall("1", name, json.dumps(arguments))


async def result_of(guard: Guard, asked: ToolCall, decision: Decision) -> Result:
    async with aclosing(guard.run(asked, decision)) as pieces:
        *_, last = [piece async for piece in pieces]
    assert isinstance(last, Result)
    return last


async def test_reading_in_the_project_runs_at_once_and_a_change_asks_with_its_diff(guard: Guard, folder: Path) -> None:
    (folder / "a").write_text("one\n")
    read = call("Read", file_path="a")
    assert guard.judge(read).verdict is Verdict.ALLOW
    assert "one" in (await result_of(guard, read, guard.judge(read))).text
    edit = call("Edit", file_path="a", old_string="one", new_string="two")
    decision = guard.judge(edit)
    assert decision.verdict is Verdict.ASK
    assert "-one\n+two" in (await guard.preview(edit, decision)).text
    assert (folder / "a").read_text() == "one\n", "a preview changes nothing"
    assert (await result_of(guard, edit, decision)).failed, "a question is no yes"
    assert not (await result_of(guard, edit, guard.grant_once(decision))).failed
    assert (folder / "a").read_text() == "two\n"
    assert guard.judge(edit).verdict is Verdict.ASK, "once is once"


async def test_a_preview_says_beforehand_that_a_call_would_fail(guard: Guard, folder: Path) -> None:
    edit = call("Edit", file_path="none", old_string="one", new_string="two")
    assert "no file" in (await guard.preview(edit, guard.judge(edit))).trouble
    command = call("Bash", command="make it so")
    assert (await guard.preview(command, guard.judge(command))).text == "make it so"
    new = call("Write", file_path="b", content="x\n")
    assert "+x" in (await guard.preview(new, guard.judge(new))).text
    assert not (folder / "b").exists()


async def test_a_grant_for_the_session_ends_with_it_and_always_is_kept(
    guard: Guard, folder: Path, own_ground: Path
) -> None:
    command = call("Bash", command="echo hello")
    guard.grant_session(guard.judge(command))
    assert guard.judge(command).verdict is Verdict.ALLOW
    later = a_guard(folder, own_ground)
    assert later.judge(command).verdict is Verdict.ASK
    allowed = later.grant_always(later.judge(command))
    assert (await result_of(later, command, allowed)).text == "hello"
    assert a_guard(folder, own_ground).judge(command).verdict is Verdict.ALLOW
    assert a_guard(folder.parent, own_ground).judge(command).verdict is Verdict.ASK, "it was granted for one project"


async def test_a_rule_that_was_removed_elsewhere_no_longer_counts(guard: Guard, folder: Path, own_ground: Path) -> None:
    rule = Rule("Bash", "echo *", project=str(folder))
    store.add(store.store_file(own_ground), (rule,))
    command = call("Bash", command="echo hello")
    assert guard.judge(command).verdict is Verdict.ALLOW
    store.remove(store.store_file(own_ground), rule)
    assert guard.judge(command).verdict is Verdict.ASK


async def test_a_damaged_store_asks_and_says_so(guard: Guard, own_ground: Path) -> None:
    store.add(store.store_file(own_ground), (Rule("Bash", "echo *"),))
    store.store_file(own_ground).write_text('{"version": 1, "rules": [{"tool": "Bash", "pattern": "echo *"')
    assert guard.judge(call("Bash", command="echo hello")).verdict is Verdict.ASK
    assert "kept as" in guard.notice


async def test_a_decision_runs_no_other_bytes_folder_or_environment(
    guard: Guard, folder: Path, own_ground: Path
) -> None:
    echo, touch = call("Bash", command="echo hello"), call("Bash", command="touch made")
    allowed = guard.grant_once(guard.judge(echo))
    assert "not the call" in (await result_of(guard, touch, allowed)).text
    (folder / "sub").mkdir()
    for other in (
        a_guard(folder / "sub", own_ground),
        Guard(folder, own_ground, {"HOME": "/elsewhere", "LANG": "C.UTF-8"}),
    ):
        assert "not the call" in (await result_of(other, echo, allowed)).text
    assert "not the call" in (await result_of(guard, touch, Decision(Verdict.ALLOW, "I say so"))).text
    assert not (folder / "made").exists()


async def test_a_folder_swapped_for_a_link_after_the_question_is_refused(guard: Guard, folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    write = call("Write", file_path="in/new", content="x")
    allowed = guard.grant_once(guard.judge(write))
    (folder / "in").rmdir()
    (folder / "in").symlink_to("out")
    assert "another place" in (await result_of(guard, write, allowed)).text
    assert not list((folder / "out").iterdir())


@pytest.mark.parametrize(
    "arguments",
    ["", "{", "[]", "null", '"x"', "{}", '{"file_path": 1}', '{"file_path": "a", "file_path": "b"}', '{"path": "a"}',
     '{"file_path": "a", "mode": "x"}', '{"file_path": "\\ud800"}', '{"file_path": "a", "\\ud800": 1}', "[" * 100_000,
     '{"file_path": "a", "offset": ' + "9" * 5_000 + "}", "\0", "{'file_path': 'a'}"],
)  # fmt: skip
async def test_arguments_that_cannot_be_read_are_denied_in_words(guard: Guard, arguments: str) -> None:
    asked = ToolCall("1", "Read", arguments)
    decision = guard.judge(asked)
    assert decision.verdict is Verdict.DENY
    result = await result_of(guard, asked, decision)
    assert result.failed
    assert result.text.encode()
    assert "Not run" in result.text


async def test_a_tool_that_there_is_not_is_told_with_those_there_are(guard: Guard) -> None:
    decision = guard.judge(call("Format", disk="c:"))
    assert decision.verdict is Verdict.DENY
    assert "Read, Glob" in decision.reason


async def test_plan_mode_reads_and_accept_edits_changes_without_asking(guard: Guard) -> None:
    write, command = call("Write", file_path="a", content="x"), call("Bash", command="make it so")
    assert [mode.following for mode in Mode] == [Mode.ACCEPT_EDITS, Mode.PLAN, Mode.AUTO, Mode.ASK]
    guard.mode = Mode.PLAN
    assert guard.judge(write).verdict is guard.judge(command).verdict is Verdict.DENY
    guard.mode = Mode.ACCEPT_EDITS
    assert guard.judge(write).verdict is Verdict.ALLOW
    assert guard.judge(command).verdict is Verdict.ASK
    guard.mode = Mode.AUTO
    assert guard.judge(command).verdict is Verdict.ASK, "auto runs commands inside the sandbox alone"


async def test_nobody_there_means_no(folder: Path, own_ground: Path) -> None:
    alone = a_guard(folder, own_ground, attended=False)
    decision = alone.judge(call("Write", file_path="a", content="x"))
    assert decision.verdict is Verdict.DENY
    assert "nobody is there" in decision.reason


async def test_a_sandbox_that_is_wanted_and_missing_runs_no_command(folder: Path, own_ground: Path) -> None:
    without = a_guard(folder, own_ground, sandbox=Sandbox(SandboxState.MISSING, "bwrap is not installed"))
    decision = without.judge(call("Bash", command="ls"))
    assert decision.verdict is Verdict.DENY
    assert "bwrap is not installed" in decision.reason
    assert without.judge(call("Glob", pattern="*")).verdict is Verdict.ALLOW


async def test_what_runs_without_a_question_starts_no_hook_and_what_was_asked_runs_as_by_hand(guard: Guard) -> None:
    command = call("Bash", command="env")
    decision = guard.judge(command)
    by_hand = await result_of(guard, command, guard.grant_once(decision))
    assert "core.hooksPath" not in by_hand.text
    guard.grant_session(decision)
    by_itself = await result_of(guard, command, guard.judge(command))
    assert "core.hooksPath" in by_itself.text or not decision.grants


async def test_programs_of_the_person_are_found_and_those_of_the_project_ask(
    folder: Path, own_ground: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    theirs, open_to_all = tmp_path_factory.mktemp("bin"), tmp_path_factory.mktemp("open")
    open_to_all.chmod(0o777)
    inside = folder / "bin"
    own = ("mine-too", "head", "pytest")
    for place, name in ((theirs, "mine"), (open_to_all, "evil"), *((inside, name) for name in own)):
        place.mkdir(exist_ok=True)
        (place / name).write_text("#!/bin/sh\necho it is $0\n")
        (place / name).chmod(0o755)
    guard = Guard(folder, own_ground, {"HOME": "/h", "PATH": f"{folder}/bin:{theirs}:.:{open_to_all}"})
    for name, printed in (("mine", f"it is {theirs}/mine"), ("mine-too", f"it is {folder}/bin/mine-too")):
        command = call("Bash", command=name)
        assert printed in (await result_of(guard, command, guard.grant_once(guard.judge(command)))).text
    missing = call("Bash", command="evil")
    assert "not found" in (await result_of(guard, missing, guard.grant_once(guard.judge(missing)))).text
    store.add(
        store.store_file(own_ground),
        (Rule("Bash", "head *"), Rule("Bash", "wc *"), Rule("Bash", "pytest"), Rule("Bash", "mine")),
    )
    shadowed = guard.judge(call("Bash", command="head a"))
    assert shadowed.verdict is Verdict.ASK
    assert "of the project itself" in shadowed.reason
    (inside / "wc").symlink_to("/usr/bin/env")
    assert guard.judge(call("Bash", command="wc a")).verdict is Verdict.ASK
    tests = call("Bash", command="pytest -q")
    assert (await result_of(guard, tests, guard.judge(tests))).text == f"it is {inside}/pytest"
    by_itself = call("Bash", command="mine")
    assert (await result_of(guard, by_itself, guard.judge(by_itself))).text == f"it is {theirs}/mine"


async def test_the_commands_that_ask_a_background_command_need_no_question(guard: Guard) -> None:
    start = call("Bash", command="echo hello; sleep 60", background=True)
    started = await result_of(guard, start, guard.grant_once(guard.judge(start)))
    assert "job-1" in started.text
    stop = call("Bash", command="shammah-job stop job-1")
    assert "stopped" in (await result_of(guard, stop, guard.judge(stop))).text
    assert guard.judge(call("Bash", command="shammah-job stop job-1; make it so")).verdict is Verdict.ASK


async def test_a_denial_tells_the_model_why(guard: Guard) -> None:
    decision = guard.judge(call("Write", file_path="a", content="x"))
    assert refusal(decision, "put it into src").text.endswith("put it into src")
    assert "did not allow" in refusal(decision).text
    floor = guard.judge(call("Read", file_path=".env"))
    assert "credential" in refusal(floor).text
    with pytest.raises(ValueError, match="cannot grant"):
        guard.grant_once(floor)
    with pytest.raises(ValueError, match="cannot grant"):
        guard.grant_session(replace(decision, verdict=Verdict.ALLOW))


async def test_an_absolute_pattern_is_searched_where_it_was_judged(guard: Guard, folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in/a.py").write_text("")
    (folder / "b.py").write_text("")
    glob = call("Glob", pattern=f"{folder}/in/**/*.py")
    result = await result_of(guard, glob, guard.judge(glob))
    assert result.text.endswith("a.py")
    assert "b.py" not in result.text
    outside = call("Grep", pattern="x", path="/opt", glob=f"{folder}/*")
    assert guard.judge(outside).verdict is Verdict.ASK, "the filter does not move the search"
