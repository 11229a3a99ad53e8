"""The commands of the line mode, on a runtime whose engine plays a script."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shammah_tui.agent.history import History
from shammah_tui.cli.beside import Beside
from shammah_tui.cli.plain_command import PlainCommands
from shammah_tui.cli.plain_input import LineInput
from shammah_tui.conversation import Entry, Message
from shammah_tui.events import Phase
from shammah_tui.runtime import Runtime
from shammah_tui.ui import commands
from tests.test_adapter_in_use import WithAdapters, runtime_with
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
