"""The commands of the line mode, on a runtime whose engine plays a script."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from shammah_tui.agent.history import History
from shammah_tui.cli.beside import Beside
from shammah_tui.cli.plain import PlainLine
from shammah_tui.cli.plain_command import ON_SCREEN, PlainCommands
from shammah_tui.cli.plain_input import LineInput
from shammah_tui.conversation import Entry, Message
from shammah_tui.errors import ShammahError
from shammah_tui.events import Phase
from shammah_tui.runtime import Runtime
from shammah_tui.ui import commands
from tests.test_adapter_in_use import PYTHON, RUST, WithAdapters, rate, runtime_with
from tests.test_runtime import reaches

Say = Callable[..., str]


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return runtime_with(WithAdapters(), tmp_path)


@pytest.fixture
def beside(runtime: Runtime) -> Iterator[Beside]:
    made = Beside()

    async def ready() -> None:
        runtime.start()
        await reaches(runtime, Phase.READY)

    made.call(ready())
    yield made
    made.call(runtime.close())
    made.close()


@pytest.fixture
def say(runtime: Runtime, beside: Beside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Types a command, and `answer` to what it asks; gives what it printed."""
    line = LineInput(History(None), runtime.folder)
    plain = PlainCommands(runtime, beside, line, lambda *_: None, lambda: None, {"permissions.mode": "plan"})

    def typed(text: str, answer: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
        invocation = commands.parse(text)
        assert isinstance(invocation, commands.Invocation)
        plain.run(invocation)
        return capsys.readouterr().out

    return typed


def test_resume_takes_the_beginning_of_an_id_and_else_words(runtime: Runtime, beside: Beside, say: Say) -> None:
    for session, question in (("77aa01", "Write a docker file"), ("77bb02", "Explain this traceback")):
        said = [Entry(Message("user", question)), Entry(Message("assistant", f"About {question.lower()}."))]
        beside.call(runtime.sessions.write(session, str(runtime.folder), 0, said, 0))
    assert "You are in: Explain this traceback" in say("/resume 77bb")
    assert runtime.record.session == "77bb02"
    told = say("/resume docker", "1")
    assert "1: Write a docker file, 1 question" in told
    assert "You are in: Write a docker file" in told


def test_settings_say_what_a_flag_set(say: Say) -> None:
    assert "permissions.mode: plan (flag)." in say("/settings")


def test_an_adapter_is_listed_taken_and_left_to_shammah_again(runtime: Runtime, beside: Beside, say: Say) -> None:
    choice = beside.call(runtime.learning()).adapter_choice

    def wanted() -> str | None:
        return choice.session

    told = say("/adapter", "1")
    assert f"1: rusty: {RUST}" in told
    assert f"2: pythonic: {PYTHON}" in told
    assert "3: foreign: made for another model" in told
    assert "5: auto (chosen): " in told
    assert "rusty answers from now on; /adapter auto leaves it to Shammah." in told
    assert wanted() == "rusty"
    assert "1: rusty (answers): " in say("/adapter")
    assert wanted() == "rusty"
    assert "every answer tells which." in say("/adapter auto")
    assert wanted() is None
    assert "There is no number 9 in the list" in say("/adapter", "9")
    with pytest.raises(ShammahError, match='no adapter "nosuch"'):
        say("/adapter nosuch")


def test_every_command_that_the_help_lists_is_here(say: Say) -> None:
    for command in commands.TABLE:
        if command.name not in ("help", "quit", "edit", "undo", *ON_SCREEN):
            assert "full screen" not in say(f"/{command.name}")


def test_the_model_tells_how_full_its_context_is(say: Say) -> None:
    assert "Context: 1 of 100 tokens (1%)." in say("/model")


def test_what_was_learned_is_told_before_the_next_prompt(
    runtime: Runtime, beside: Beside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def taken_back() -> None:
        """Until whoever listens has heard that the adapter was."""
        learning = await runtime.learning()
        async with asyncio.timeout(10), aclosing(learning.statuses()) as statuses:
            hearing = asyncio.ensure_future(anext(status async for status in statuses if status.news))
            await rate(runtime, "", "grgggggggg")
            await rate(runtime, "pythonic", "rrrrg")
            await hearing

    class Typed:
        """A command while something is learned, then the end."""

        lines = iter(["/mode\n", ""])

        def readline(self) -> str:
            line = next(self.lines)
            if line:
                beside.call(taken_back())
            return line

    monkeypatch.setattr("sys.stdin", Typed())
    PlainLine(runtime, beside, {}).run(None)
    told = capsys.readouterr().out
    assert "Learning: pythonic was taken back: red ratings 1 of 10" in told
    assert told.index("Learning: ") < told.rindex("You: ")
    assert "F4" not in told
