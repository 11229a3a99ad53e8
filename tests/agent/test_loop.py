"""One turn with real tools, permissions and files; the model is a script of answers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

import pytest

from shammah_tui.agent.calls import Calls
from shammah_tui.agent.draft import Draft, Record
from shammah_tui.agent.loop import BackendEvent, Limits, Route, turn
from shammah_tui.conversation import Message, ToolCall, ToolSpec, Usage
from shammah_tui.events import (
    Approval,
    Noticed,
    PermissionAsked,
    StepEnded,
    TextArrived,
    ToolFinished,
    ToolOutput,
    ToolRequested,
    ToolStarted,
    TurnEnded,
    TurnEvent,
)
from shammah_tui.tools.guard import Guard
from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.decision import Mode
from shammah_tui.tools.specification import ALL

Step = Sequence[tuple[str, dict[str, Any]] | str]
Choice = Literal["once", "session", "always", "deny"]


class Model:
    """Says the n-th step at the n-th request, and remembers what it was sent."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[tuple[Message, ...]] = []

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncGenerator[BackendEvent, None]:
        self.sent.append(tuple(messages))
        step = self.steps.pop(0)
        calls = 0
        for part in step:
            if isinstance(part, str):
                yield TextArrived(part)
            else:
                calls += 1
                identity = f"call-{len(self.sent)}-{calls}"
                yield ToolRequested(ToolCall(identity, part[0], json.dumps(part[1])))
        yield TurnEnded("tool_calls" if calls else "stop", Usage(10, 5))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "README.md").write_text("# The Title\n\nText.\n")
    return folder


@pytest.fixture
async def guard(project: Path, own_ground: Path) -> AsyncGenerator[Guard, None]:
    made = Guard(project, own_ground, os.environ)
    yield made
    await made.close()


async def play(
    guard: Guard, model: Model, *answers: Approval | Choice, question: str = "Do it.", steps: int = 50
) -> tuple[list[TurnEvent], Draft]:
    """The whole turn; the n-th question is answered with the n-th answer."""
    draft = Draft(Record("s", "system"), question)
    left = [answer if isinstance(answer, Approval) else Approval(answer) for answer in answers]
    events: list[TurnEvent] = []
    route = Route(model, "Model", "local")
    running = turn(draft, route, Limits(0, 100, steps), tools=ALL, calls=Calls(guard, draft))
    async with asyncio.timeout(20), aclosing(running):
        async for event in running:
            events.append(event)
            if isinstance(event, PermissionAsked):
                event.answer.set_result(left.pop(0))
    return events, draft


def of_kind(events: Sequence[TurnEvent], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def test_a_file_is_read_without_a_question_and_its_text_goes_back_to_the_model(guard: Guard) -> None:
    model = Model([("Read", {"file_path": "README.md"})], ["The title is The Title."])
    events, draft = await play(guard, model)
    assert of_kind(events, PermissionAsked) == []
    (finished,) = of_kind(events, ToolFinished)
    assert not finished.failed
    assert model.sent[1][-1].role == "tool"
    assert "# The Title" in model.sent[1][-1].content
    assert of_kind(events, TurnEnded)[-1].usage == Usage(20, 10)
    assert [entry.message.role for entry in draft.entries("lost")] == ["user", "assistant", "tool", "assistant"]


async def test_two_steps_each_asked_and_each_run(guard: Guard, project: Path) -> None:
    model = Model(
        [("Write", {"file_path": "hello.py", "content": "print('hello')\n"})],
        [("Bash", {"command": "python3 hello.py"})],
        ["It printed hello."],
    )
    events, draft = await play(guard, model, "once", "once")
    first, second = of_kind(events, PermissionAsked)
    assert "+print('hello')" in first.preview
    assert second.display == "python3 hello.py"
    assert (project / "hello.py").read_text() == "print('hello')\n"
    assert "hello" in of_kind(events, ToolFinished)[1].text
    assert "".join(piece.text for piece in of_kind(events, ToolOutput)).strip() == "hello"
    changes = [change for entry in draft.entries("lost") for change in entry.changes]
    assert [Path(change.path).name for change in changes] == ["hello.py"]
    kinds = [type(event) for event in events]
    assert kinds.index(PermissionAsked) < kinds.index(ToolStarted) < kinds.index(ToolFinished)
    assert kinds.count(StepEnded) == 2


async def test_a_question_about_a_command_says_whether_there_is_a_sandbox(guard: Guard) -> None:
    model = Model([("Bash", {"command": "make"})], [("Write", {"file_path": "a", "content": "x"})], ["No."])
    events, _ = await play(guard, model, "deny", "deny")
    command, write = of_kind(events, PermissionAsked)
    assert command.reach == "without a sandbox: commands run without one"
    assert write.reach == ""


async def test_saved_rules_that_were_damaged_are_told_of_once(guard: Guard, own_ground: Path) -> None:
    store.add(store.store_file(own_ground), ())
    store.store_file(own_ground).write_text("{")
    read = ("Read", {"file_path": "README.md"})
    events, _ = await play(guard, Model([read], [read], ["Read."]))
    (told,) = of_kind(events, Noticed)
    assert "kept as" in told.text


async def test_a_denial_with_its_reason_reaches_the_model_and_nothing_is_written(guard: Guard, project: Path) -> None:
    model = Model([("Write", {"file_path": "a.txt", "content": "x"})], ["All right."])
    events, _ = await play(guard, model, Approval("deny", "use b.txt instead"))
    (finished,) = of_kind(events, ToolFinished)
    assert finished.refused
    assert "use b.txt instead" in model.sent[1][-1].content
    assert not (project / "a.txt").exists()


async def test_what_was_allowed_for_the_session_is_not_asked_again(guard: Guard) -> None:
    first = ("Write", {"file_path": "a.txt", "content": "1"})
    second = ("Write", {"file_path": "a.txt", "content": "2"})
    events, _ = await play(guard, Model([first], [("Read", {"file_path": "a.txt"})], [second], ["Done."]), "session")
    assert len(of_kind(events, PermissionAsked)) == 1
    assert not any(event.failed for event in of_kind(events, ToolFinished))


async def test_reading_calls_run_beside_one_another_and_keep_their_own_results(guard: Guard, project: Path) -> None:
    for name in "abc":
        (project / f"{name}.txt").write_text(f"this is {name}\n")
    calls = [("Read", {"file_path": f"{name}.txt"}) for name in "abc"]
    model = Model(calls, ["Read."])
    events, _ = await play(guard, model)
    kinds = [type(event) for event in events]
    assert kinds.index(ToolFinished) > max(at for at, kind in enumerate(kinds) if kind is ToolStarted)
    results = [message for message in model.sent[1] if message.role == "tool"]
    assert [message.tool_call_id for message in results] == ["call-1-1", "call-1-2", "call-1-3"]
    assert [f"this is {name}" in message.content for name, message in zip("abc", results, strict=True)] == [True] * 3


async def test_all_that_is_to_be_asked_of_calls_that_only_read_is_asked_at_once(guard: Guard, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(f"this is {name}\n")
    draft = Draft(Record("s", "system"), "Look outside.")
    model = Model([("Read", {"file_path": str(tmp_path / name)}) for name in "abc"], ["Read."])
    running = turn(draft, Route(model, "Model", "local"), Limits(0, 100), tools=ALL, calls=Calls(guard, draft))
    questions: list[PermissionAsked] = []
    finished: list[ToolFinished] = []
    async with asyncio.timeout(20), aclosing(running):
        async for event in running:
            if isinstance(event, PermissionAsked):
                questions.append(event)
            if isinstance(event, ToolFinished):
                finished.append(event)
            if len(questions) == 3:
                # The last one first: each answer counts for its own question.
                for question, choice in zip(reversed(questions), ("once", "deny", "once"), strict=True):
                    if not question.answer.done():
                        question.answer.set_result(Approval(choice))  # type: ignore[arg-type]
    assert len(questions) == 3
    assert sorted((event.call_id[-1], event.refused) for event in finished) == [("1", False), ("2", True), ("3", False)]


async def test_a_question_that_the_answer_before_it_covers_is_not_put(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("this is a\n")
    twice = [("Read", {"file_path": str(tmp_path / "a")})] * 2
    events, _ = await play(guard, Model(twice, ["Read."]), "session")
    assert len(of_kind(events, PermissionAsked)) == 1
    assert [event.failed for event in of_kind(events, ToolFinished)] == [False, False]


async def test_plan_mode_only_reads(guard: Guard, project: Path) -> None:
    guard.mode = Mode.PLAN
    model = Model([("Write", {"file_path": "a.txt", "content": "x"}), ("Read", {"file_path": "README.md"})], ["Plan."])
    events, _ = await play(guard, model)
    assert of_kind(events, PermissionAsked) == []
    assert [event.refused for event in of_kind(events, ToolFinished)] == [True, False]
    assert not (project / "a.txt").exists()


async def test_the_same_failing_call_ends_the_turn_with_a_word_to_the_model_first(guard: Guard) -> None:
    again = [("Read", {"file_path": "missing.txt"})]
    model = Model(again, again, again, again)
    events, draft = await play(guard, model)
    results = of_kind(events, ToolFinished)
    assert "3 times" in results[2].text
    assert "3 times" not in results[1].text
    assert results[3].refused
    assert "Read" in of_kind(events, TurnEnded)[-1].notice
    assert model.steps == []
    assert draft.entries("lost")[-1].message.role == "tool"


async def test_the_same_call_after_a_change_is_no_circle(guard: Guard) -> None:
    look = [("Bash", {"command": "false"})]
    changes: list[Step] = [[("Write", {"file_path": f"{n}.txt", "content": "x"})] for n in range(3)]
    model = Model(look, changes[0], look, changes[1], look, changes[2], look, ["Enough."])
    events, _ = await play(guard, model, *(Approval("once"),) * 7)
    assert of_kind(events, TurnEnded)[-1].notice == ""
    assert not any(event.refused for event in of_kind(events, ToolFinished))


async def test_a_turn_has_a_limit_of_steps(guard: Guard) -> None:
    model = Model(*[[("Glob", {"pattern": f"{n}*"})] for n in range(9)])
    events, _ = await play(guard, model, steps=3)
    assert len(model.sent) == 3
    assert "3 steps" in of_kind(events, TurnEnded)[-1].notice


async def test_arguments_that_are_no_json_are_told_to_the_model(guard: Guard) -> None:
    class Broken(Model):
        async def stream(self, messages: Sequence[Message], **rest: Any) -> AsyncGenerator[BackendEvent, None]:
            self.sent.append(tuple(messages))
            if len(self.sent) == 1:
                yield ToolRequested(ToolCall("1", "Read", '{"file_path":'))
                yield ToolRequested(ToolCall("2", "Fly", "{}"))
            else:
                yield TextArrived("Sorry.")
            yield TurnEnded("stop")

    model = Broken()
    events, _ = await play(guard, model)
    first, second = of_kind(events, ToolFinished)
    assert first.failed
    assert "JSON" in first.text
    assert second.failed
    assert "Fly" in second.text


async def test_closing_ends_a_running_command_at_once_and_every_call_keeps_a_result(
    guard: Guard, project: Path
) -> None:
    model = Model([("Bash", {"command": "echo begun; sleep 60; echo never > late.txt"}), ("Read", {"file_path": "x"})])
    draft = Draft(Record("s", "system"), "Do it.")
    running = turn(draft, Route(model, "M", "local"), Limits(0, 9), tools=ALL, calls=Calls(guard, draft))
    async with asyncio.timeout(10):
        async for event in running:
            if isinstance(event, PermissionAsked):
                event.answer.set_result(Approval("once"))
            if isinstance(event, ToolOutput):
                break
        began = asyncio.get_running_loop().time()
        await running.aclose()
        assert asyncio.get_running_loop().time() - began < 2
    record = draft.close("interrupted")
    assert [entry.message.tool_call_id for entry in record.entries[2:]] == ["call-1-1", "call-1-2"]
    assert all(entry.message.failed for entry in record.entries[2:])


async def test_closing_withdraws_a_question_that_is_open(guard: Guard, project: Path) -> None:
    model = Model([("Write", {"file_path": "a.txt", "content": "x"})])
    draft = Draft(Record("s", "system"), "Do it.")
    running = turn(draft, Route(model, "M", "local"), Limits(0, 9), tools=ALL, calls=Calls(guard, draft))
    async for event in running:
        if isinstance(event, PermissionAsked):
            break
    await running.aclose()
    assert isinstance(event, PermissionAsked)
    assert event.answer.cancelled()
    assert not (project / "a.txt").exists()


async def test_an_edit_that_cannot_work_is_not_asked(guard: Guard) -> None:
    model = Model(
        [("Read", {"file_path": "README.md"})],
        [("Edit", {"file_path": "README.md", "old_string": "nowhere", "new_string": "x"})],
        ["It is not there."],
    )
    events, _ = await play(guard, model)
    assert of_kind(events, PermissionAsked) == []
    assert of_kind(events, ToolFinished)[1].failed


async def test_a_damaged_conversation_is_repaired_and_that_is_said(guard: Guard) -> None:
    from shammah_tui.conversation import Entry

    record = Record(
        "s",
        "system",
        (
            Entry(Message("user", "a")),
            Entry(Message("assistant", "", (ToolCall("1", "Read", "{}"),))),
            Entry(Message("user", "b")),
            Entry(Message("assistant", "ok")),
        ),
    )
    draft = Draft(record, "c")
    model = Model(["Yes."])
    running = turn(draft, Route(model, "M", "local"), Limits(0, 9), tools=ALL, calls=Calls(guard, draft))
    events = [event async for event in running]
    assert "no result" in of_kind(events, Noticed)[0].text
    assert [message.role for message in model.sent[0]] == [
        "system", "user", "assistant", "tool", "user", "assistant", "user",
    ]  # fmt: skip
