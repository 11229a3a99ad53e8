"""`shammah query` over a scripted runtime: each format, each end, each exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import pytest

from shammah_tui.cli.query import answer
from shammah_tui.cli.question import Question
from shammah_tui.cli.sink import sink_for
from shammah_tui.conversation import ToolCall, Usage
from shammah_tui.events import (
    TextArrived,
    ToolRequested,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from tests.ui.script import Scripted, said

STARTED = TurnStarted("Shammah Demo", "local")
ENDED = TurnEnded("stop", Usage(10, 3, 4), 0.1, 0.5, 42.0)
HELLO: tuple[TurnEvent, ...] = (TurnWaiting("The model is loading."), STARTED, *map(TextArrived, ("Hel", "lo")), ENDED)


async def exit_code(*script: TurnEvent, form: str = "text", streaming: bool = True) -> int:
    found = await answer(Scripted([script]), Question("why?"), sink_for(form, streaming=streaming), None)
    return found.exit_code


async def test_text_is_the_answer_alone_with_one_newline(capfd: pytest.CaptureFixture[str]) -> None:
    assert await exit_code(*HELLO) == 0
    assert capfd.readouterr() == ("Hello\n", "")
    assert await exit_code(*said("Hello\n"), streaming=False) == 0
    assert capfd.readouterr() == ("Hello\n", "")


async def test_text_is_written_as_it_comes(capfd: pytest.CaptureFixture[str]) -> None:
    asking = asyncio.create_task(exit_code(STARTED, TextArrived("Hel")))
    await asyncio.sleep(0.1)
    assert capfd.readouterr().out == "Hel"
    os.kill(os.getpid(), signal.SIGINT)
    assert await asking == 130


async def test_without_streaming_nothing_is_written_before_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    asking = asyncio.create_task(exit_code(STARTED, TextArrived("Hel"), streaming=False))
    await asyncio.sleep(0.1)
    assert capfd.readouterr().out == ""
    os.kill(os.getpid(), signal.SIGINT)
    assert await asking == 130
    assert capfd.readouterr().out == "Hel\n"


async def test_a_pipe_gets_the_text_as_the_model_wrote_it(capfd: pytest.CaptureFixture[str]) -> None:
    await exit_code(*said("\x1b[31mred\tü\u202e"))
    assert capfd.readouterr().out == "\x1b[31mred\tü\u202e\n"


async def test_json_is_one_object_with_all_there_is_to_know(capfd: pytest.CaptureFixture[str]) -> None:
    assert await exit_code(*HELLO, form="json") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "answer": "Hello",
        "model": "demo",
        "model_name": "Shammah Demo",
        "route": "local",
        "reason": None,
        "help": None,
        "is_demo": True,
        "finish_reason": "stop",
        "tool_calls": [],
        "notices": [],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 3,
            "cached_tokens": 4,
            "cache_write_tokens": 0,
            "cost_usd": None,
        },
        "timings": {"first_token_seconds": 0.1, "total_seconds": 0.5, "tokens_per_second": 42.0},
        "error": None,
    }


async def test_stream_json_is_an_object_for_each_event_and_the_result_last(capfd: pytest.CaptureFixture[str]) -> None:
    call = ToolCall("1", "read", '{"path":"x"}')
    await exit_code(STARTED, TextArrived("Hi\n"), ToolRequested(call), ENDED, form="stream-json")
    objects: list[dict[str, Any]] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [item["type"] for item in objects] == [
        "turn_started",
        "text_arrived",
        "tool_requested",
        "turn_ended",
        "result",
    ]
    assert objects[1] == {"type": "text_arrived", "text": "Hi\n"}
    assert objects[-1]["answer"] == "Hi\n"
    assert objects[-1]["tool_calls"] == [
        {"id": "1", "name": "read", "arguments": '{"path":"x"}', "outcome": "not run", "summary": ""}
    ]


@pytest.mark.parametrize("form", ["text", "json", "stream-json"])
async def test_a_failed_turn_is_told_and_exits_with_1(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert await exit_code(TurnFailed("There is no model.", "Get one."), form=form) == 1
    out, err = capfd.readouterr()
    assert err == "shammah: There is no model.\n  Get one.\n"
    if form == "text":
        assert out == ""
    else:
        told = json.loads(out.splitlines()[-1])
        assert told["error"] == {"message": "There is no model.", "hint": "Get one."}
        assert (told["answer"], told["finish_reason"]) == ("", "lost")


async def test_a_cut_answer_is_kept_and_exits_with_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert await exit_code(STARTED, TextArrived("half"), TurnFailed("The engine went away.")) == 1
    assert capfd.readouterr() == ("half\n", "shammah: The engine went away.\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_a_signal_stops_the_generation_and_keeps_what_was_said(
    number: signal.Signals, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    runtime = Scripted([[STARTED, TextArrived("half")]])
    asking = asyncio.create_task(answer(runtime, Question("why?"), sink_for("json", streaming=True), None))
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), number)
    assert (await asking).exit_code == code
    assert runtime.interrupted == 1
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert (told["answer"], told["finish_reason"]) == ("half", "interrupted")
    assert f"Interrupted ({number.name})" in err


async def test_a_signal_that_is_ignored_stays_so_as_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asking = asyncio.create_task(exit_code(STARTED, TextArrived("half")))
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.1)
        assert not asking.done()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asking == 143
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_the_end_of_the_time_stops_the_generation_and_asks_to_try_again(
    capfd: pytest.CaptureFixture[str],
) -> None:
    runtime = Scripted([[STARTED, TextArrived("half")]])
    found = await answer(runtime, Question("why?"), sink_for("text", streaming=True), 0.1)
    assert (found.exit_code, runtime.interrupted) == (75, 1)
    assert capfd.readouterr() == (
        "half\n",
        "shammah: No whole answer within 0.1 seconds.\n  Give it more with --timeout.\n",
    )


async def test_a_reader_that_goes_away_stops_the_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Scripted([[STARTED, TextArrived("half")]])
    sink = sink_for("text", streaming=True)

    def gone(event: TurnEvent) -> None:
        if isinstance(event, TextArrived):
            raise BrokenPipeError

    monkeypatch.setattr(sink, "hear", gone)
    with pytest.raises(BrokenPipeError):
        await answer(runtime, Question("why?"), sink, None)
    # The script stood at the text, so that its end was never reached.
    assert not asyncio.all_tasks() - {asyncio.current_task()}


async def test_a_busy_engine_asks_to_try_again_later() -> None:
    assert await exit_code(TurnFailed("The engine is busy.", "Ask again in a moment.", 75)) == 75
