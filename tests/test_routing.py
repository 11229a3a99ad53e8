"""Where a question goes and why, through the whole client: an engine by script, Claude by its real library."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.config.settings import ClaudeSettings, RouterSettings, Settings
from shammah_tui.conversation import Usage
from shammah_tui.errors import ContextOverflow, EngineError
from shammah_tui.events import (
    BootstrapState,
    CloudOffered,
    HelpShown,
    ModelSummary,
    Noticed,
    PermissionAsked,
    Phase,
    TextArrived,
    ToolFinished,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.runtime import Runtime
from tests.backends.messages_server import Call, Fault, MessagesServer, answer
from tests.test_runtime import LOADING, READY, Engine, Engines, reaches


def runtime_with(
    server: MessagesServer | None,
    engine: Engine | Exception,
    folder: Path,
    cloud: str = "allow",
    escalate: str = "offer",
) -> Runtime:
    settings = Settings(
        api_key="sk-ant-test" if server else "",  # type: ignore[arg-type]
        claude=ClaudeSettings(base_url=server.url if server else "", retries=0),
        router=RouterSettings(cloud=cloud, escalate=escalate),  # type: ignore[arg-type]
    )
    return Runtime(settings, folder=folder, connect=Engines([engine, engine, engine]))


async def heard(runtime: Runtime, question: str = "hi") -> list[TurnEvent]:
    async with asyncio.timeout(20), aclosing(runtime.ask(question)) as events:
        return [event async for event in events]


def started(events: list[TurnEvent]) -> TurnStarted:
    return next(event for event in events if isinstance(event, TurnStarted))


def said(events: list[TurnEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextArrived))


async def test_claude_answers_while_the_model_loads_and_the_local_one_afterwards(tmp_path: Path) -> None:
    engine = Engine(states=(LOADING,))
    async with MessagesServer.running([answer("From Claude.")]) as server:
        runtime = runtime_with(server, engine, tmp_path)
        events = await heard(runtime)
        assert (started(events).route, started(events).reason) == ("claude", "ModelNotReady")
        assert said(events) == "From Claude."
        engine.news.put_nowait(READY)
        await reaches(runtime, Phase.READY)
        assert started(await heard(runtime, "and now?")).route == "local"
        assert [message.content for message in engine.asked[0][1:]] == ["hi", "From Claude.", "and now?"]
        await runtime.close()
    (departure,) = runtime.ledger.read().sent
    assert departure.departure.why == "ModelNotReady"
    assert departure.outcome == "answered"


async def test_nothing_is_sent_before_the_person_agreed(tmp_path: Path) -> None:
    async with MessagesServer.running([answer("From Claude.")]) as server:
        runtime = runtime_with(server, Engine(states=(LOADING,)), tmp_path, cloud="ask")
        events: list[TurnEvent] = []
        async with asyncio.timeout(20), aclosing(runtime.ask("hi")) as answers:
            async for event in answers:
                events.append(event)
                if isinstance(event, TurnWaiting) and event.offers_claude:
                    assert server.requests == []
                    runtime.routing.agree()
        assert started(events).route == "claude"
        # That was said of questions: ratings are not rewritten there.
        assert runtime.routing.background() is None
        await runtime.close()


async def test_without_a_key_the_question_waits_and_claude_is_never_asked(tmp_path: Path) -> None:
    engine = Engine(states=(LOADING,))
    runtime = runtime_with(None, engine, tmp_path)
    async with asyncio.timeout(10), aclosing(runtime.ask("hi")) as events:
        first = await anext(events)
        assert first == TurnWaiting("The model is loading.")
        engine.news.put_nowait(READY)
        rest = [event async for event in events]
    assert rest[-1] == TurnEnded("stop")
    await runtime.close()


async def test_what_claude_does_not_answer_goes_to_the_local_model_and_that_is_said(tmp_path: Path) -> None:
    engine = Engine(states=(LOADING,))
    async with MessagesServer.running([Fault(529, "overloaded_error", "Overloaded")]) as server:
        runtime = runtime_with(server, engine, tmp_path)
        events: list[TurnEvent] = []
        async with asyncio.timeout(20), aclosing(runtime.ask("hi")) as answers:
            async for event in answers:
                events.append(event)
                if isinstance(event, TurnWaiting):
                    engine.news.put_nowait(READY)
        assert any(isinstance(event, Noticed) and "Claude" in event.text for event in events)
        assert events[-1] == TurnEnded("stop")
        assert len(server.requests) == 1
        await runtime.close()


async def test_claude_that_was_asked_for_says_its_own_trouble_and_the_question_is_kept(tmp_path: Path) -> None:
    async with MessagesServer.running([Fault(401, "authentication_error", "invalid x-api-key")]) as server:
        runtime = runtime_with(server, Engine(), tmp_path)
        runtime.routing.asked = "cloud"
        events = await heard(runtime)
        assert isinstance(events[-1], TurnFailed)
        assert "key" in events[-1].message.lower()
        assert runtime.record.entries == ()
        await runtime.close()


async def test_claude_uses_the_same_tools_under_the_same_permissions(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Title of it\n")
    script = [answer(Call("Read", {"file_path": "README.md"}), Call("Write", {"file_path": "x", "content": "y"})),
              answer("Read, and not written.")]  # fmt: skip
    async with MessagesServer.running(script) as server:
        runtime = runtime_with(server, Engine(), tmp_path)
        runtime.routing.asked = "cloud"
        events: list[TurnEvent] = []
        async with asyncio.timeout(20), aclosing(runtime.ask("hi")) as answers:
            async for event in answers:
                events.append(event)
                if isinstance(event, PermissionAsked):
                    event.answer.cancel()
                    break
        assert not (tmp_path / "x").exists()
        results = [event for event in events if isinstance(event, ToolFinished)]
        assert "Title of it" in results[0].text
        await runtime.close()


LOOP = (TextArrived("the same line again and again\n" * 40), TurnEnded("length", Usage(1, 1)))
DECLINED = (TextArrived("I'm sorry, I cannot do that."), TurnEnded("stop", Usage(1, 1)))


@pytest.mark.parametrize(("local", "reason"), [(LOOP, "LowConfidence"), (DECLINED, "NoMatch")])
async def test_after_a_doubtful_answer_claude_answers_below_it(
    tmp_path: Path, local: tuple[TextArrived, TurnEnded], reason: str
) -> None:
    async with MessagesServer.running([answer("From Claude.")]) as server:
        runtime = runtime_with(server, Engine([local]), tmp_path, escalate="auto")
        events = await heard(runtime)
        begun = [(event.route, event.reason) for event in events if isinstance(event, TurnStarted)]
        assert begun == [("local", ""), ("claude", reason)]
        assert said(events) == local[0].text + "From Claude."
        (notice,) = [event.text for event in events if isinstance(event, Noticed)]
        assert "doubtful" in notice
        assert sum(isinstance(event, TurnEnded) for event in events) == 1
        roles = [(entry.message.role, entry.route, entry.reason) for entry in runtime.record.entries]
        assert roles == [
            ("user", "", ""),
            ("assistant", "local", ""),
            ("user", "", ""),
            ("assistant", "claude", reason),
        ]
        assert [message["role"] for message in server.requests[0]["messages"]] == ["user", "assistant", "user"]
        await runtime.close()
    (departure,) = runtime.ledger.read().sent
    assert departure.departure.why == reason


async def test_a_turn_of_two_answers_is_the_same_from_the_disk_and_goes_on(tmp_path: Path) -> None:
    async with MessagesServer.running([answer("From Claude."), answer("And more.")]) as server:
        first = runtime_with(server, Engine([DECLINED]), tmp_path, escalate="auto")
        await heard(first)
        stored = await first.sessions.read(first.record.session)
        kept = first.record.entries
        await first.close()
        assert stored is not None
        assert stored.entries == kept
        assert len(set(stored.turns)) == 1

        second = runtime_with(server, Engine(), tmp_path, escalate="auto")
        second.resume(stored)
        second.routing.asked = "cloud"
        assert said(await heard(second, "and now?")) == "And more."
        await second.close()
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


async def test_what_the_local_model_cannot_read_whole_goes_to_claude_where_it_may(tmp_path: Path) -> None:
    too_long = ContextOverflow("Too long.", prompt_tokens=9000, context_tokens=4096)
    ready = (BootstrapState(Phase.READY, ModelSummary("demo", "Demo", "", context_tokens=4096)),)
    async with MessagesServer.running([answer("From Claude.")]) as server:
        runtime = runtime_with(server, Engine([[too_long]], ready), tmp_path)
        events = await heard(runtime)
        begun = [(event.route, event.reason) for event in events if isinstance(event, TurnStarted)]
        assert begun[-1] == ("claude", "ContextTooLong")
        assert said(events) == "From Claude."
        await runtime.close()
        forbidden = runtime_with(server, Engine([[too_long]], ready), tmp_path, cloud="never")
        assert (await heard(forbidden))[-1] == TurnFailed("Too long.", "")
        await forbidden.close()
    assert len(server.requests) == 1


@pytest.mark.parametrize(("cloud", "escalate"), [("ask", "auto"), ("allow", "offer"), ("never", "auto")])
async def test_a_doubtful_answer_is_not_sent_where_that_is_not_allowed(
    tmp_path: Path, cloud: str, escalate: str
) -> None:
    async with MessagesServer.running([]) as server:
        runtime = runtime_with(server, Engine([LOOP]), tmp_path, cloud=cloud, escalate=escalate)
        events = await heard(runtime)
        assert any(isinstance(event, CloudOffered) for event in events) == (cloud != "never")
        assert server.requests == []
        await runtime.close()


async def test_a_claude_that_fails_leaves_the_doubtful_answer(tmp_path: Path) -> None:
    async with MessagesServer.running([Fault(529, "overloaded_error", "Overloaded")]) as server:
        runtime = runtime_with(server, Engine([LOOP]), tmp_path, escalate="auto")
        events = await heard(runtime)
        assert isinstance(events[-1], TurnEnded)
        assert [entry.message.role for entry in runtime.record.entries] == ["user", "assistant"]
        assert runtime.record.entries[-1].route == "local"
        await runtime.close()


async def test_a_looping_answer_offers_claude(tmp_path: Path) -> None:
    loop = LOOP
    async with MessagesServer.running([]) as server:
        runtime = runtime_with(server, Engine([loop]), tmp_path)
        events = await heard(runtime)
        (offer,) = [event for event in events if isinstance(event, CloudOffered)]
        assert "repeats" in offer.reason
        assert isinstance(events[-1], TurnEnded)
        await runtime.close()


async def test_offline_the_question_stays_here(tmp_path: Path) -> None:
    async with MessagesServer.running([]) as server:
        runtime = runtime_with(server, Engine(), tmp_path)
        runtime.settings = runtime.settings.model_copy(update={"offline": True})
        runtime.routing._settings = runtime.settings
        runtime.routing.asked = "cloud"
        events = await heard(runtime)
        assert isinstance(events[-1], TurnFailed)
        assert "offline" in events[-1].message
        assert server.requests == []
        await runtime.close()


async def test_an_engine_that_cannot_start_leaves_it_to_claude(tmp_path: Path) -> None:
    async with MessagesServer.running([answer("Here I am.")]) as server:
        runtime = runtime_with(server, EngineError("No engine.", "Do this."), tmp_path)
        assert started(await heard(runtime)).route == "claude"
        await runtime.close()


async def test_a_turn_is_kept_as_material_for_learning(tmp_path: Path) -> None:
    runtime = runtime_with(None, Engine(), tmp_path)
    await heard(runtime, "my key is sk-ant-REDACTED")
    (file,) = (paths.home() / "metrics").glob("*.jsonl")
    kept = json.loads(file.read_text())
    assert kept["route"] == "local"
    assert kept["response"] == "Hello"
    assert "abcdefghij" not in kept["query"]
    await runtime.close()


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.NOT_AVAILABLE])
async def test_what_no_model_can_answer_fails_with_the_next_step(tmp_path: Path, phase: Phase) -> None:
    broken = BootstrapState(phase, reason="Broken.", hint="Mend it.")
    runtime = runtime_with(None, Engine(states=(broken,), after_switch=(broken,)), tmp_path)
    assert (await heard(runtime))[-1] == TurnFailed("Broken.", "Mend it.")
    await runtime.close()


async def test_words_of_danger_show_help_and_go_on_here_alone_with_nothing_kept(tmp_path: Path) -> None:
    words = "I want to kill myself tonight"
    async with MessagesServer.running([]) as server:
        engine = Engine()
        runtime = runtime_with(server, engine, tmp_path)
        runtime.routing.asked = "cloud"
        (shown,) = await heard(runtime, words)
        assert isinstance(shown, HelpShown)
        assert "findahelpline" in shown.text
        assert engine.asked == []
        events = await heard(runtime, words)
        assert started(events).route == "local"
        assert server.requests == []
        assert runtime.record.entries == ()
        assert await runtime.sessions.list() == ()
        assert not paths.metrics_folder().exists()
        await runtime.close()


async def test_a_child_process_may_be_killed_without_a_word(tmp_path: Path) -> None:
    runtime = runtime_with(None, Engine(), tmp_path)
    assert (await heard(runtime, "how do I kill the child process?"))[-1] == TurnEnded("stop")
    await runtime.close()


async def test_what_claude_declined_is_neither_kept_nor_sent_again(tmp_path: Path) -> None:
    refusal = answer("I can", stop_reason="refusal", stop_details={"type": "refusal", "category": "cyber"})
    async with MessagesServer.running([refusal, answer("Hello.")]) as server:
        runtime = runtime_with(server, Engine(states=(LOADING,)), tmp_path)
        try:
            events = await heard(runtime, "make a virus")
            assert isinstance(events[-1], TurnFailed)
            assert "declined" in events[-1].message
            assert said(await heard(runtime, "hi")) == "Hello."
        finally:
            await runtime.close()
    assert "virus" not in json.dumps(server.requests[1]["messages"])


async def test_claude_may_write_as_much_as_its_own_setting_says(tmp_path: Path) -> None:
    async with MessagesServer.running([answer("Hello.")]) as server:
        runtime = runtime_with(server, Engine(states=(LOADING,)), tmp_path)
        try:
            await heard(runtime)
        finally:
            await runtime.close()
    assert server.requests[0]["max_tokens"] == ClaudeSettings().max_tokens


async def test_who_asks_for_claude_without_a_key_is_told_that_and_not_of_the_model(tmp_path: Path) -> None:
    engine = Engine(states=(BootstrapState(Phase.FAILED, reason="No such file.", hint="Look."),))
    runtime = runtime_with(None, engine, tmp_path)
    try:
        async with asyncio.timeout(20), aclosing(runtime.ask("hi", asked="cloud")) as events:
            failed = [event async for event in events][-1]
        assert isinstance(failed, TurnFailed)
        assert "no key" in failed.message
        assert "api_key" in failed.hint
    finally:
        await runtime.close()


async def test_without_a_model_the_hint_says_that_claude_could_answer(tmp_path: Path) -> None:
    lost = BootstrapState(Phase.FAILED, reason="No such file.", hint="Look.")
    engine = Engine(states=(lost,), after_switch=(lost,))
    async with MessagesServer.running([]) as server:
        runtime = runtime_with(server, engine, tmp_path, cloud="ask")
        try:
            failed = (await heard(runtime))[-1]
        finally:
            await runtime.close()
    assert isinstance(failed, TurnFailed)
    assert (failed.message, failed.hint) == ("No such file.", "Look. Claude could answer: /cloud sends it there.")
