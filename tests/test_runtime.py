"""The runtime against an engine that comes, goes and fails as a script says. The real one: `ui/test_end_to_end`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.agent.loop import BackendEvent
from shammah_tui.config.load import load
from shammah_tui.config.settings import Settings, ToolsSettings
from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import EngineError, EngineGone, EngineStopped, HomeError, RequestError
from shammah_tui.events import (
    BootstrapState,
    ModelSummary,
    Noticed,
    Phase,
    TextArrived,
    ToolFinished,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.runtime import AGAIN, Runtime
from shammah_tui.store.rating import Rating, Snapshot
from shammah_tui.tools.tool import Limits
from shammah_tui.wire import AdapterReport, AdaptersReport, TokenizeReport

MODEL = ModelSummary("demo", "Demo", "because")
READY = BootstrapState(Phase.READY, MODEL)
LOADING = BootstrapState(Phase.LOADING, MODEL)
FAILED = BootstrapState(Phase.FAILED, MODEL, reason="Damaged file.", hint="Delete it.")
WHOLE: tuple[BackendEvent, ...] = (TextArrived("Hel"), TextArrived("lo"), TurnEnded("stop"))


@dataclass
class Engine:
    """One engine process: its states until it dies, and what it answers. `EngineGone` in an answer kills it."""

    answers: list[Sequence[BackendEvent | Exception]] = field(default_factory=lambda: [WHOLE])
    states: Sequence[BootstrapState] = (READY,)
    dies_after_states: bool = False
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    counted: list[tuple[Message, ...]] = field(default_factory=list)
    switched: list[str] = field(default_factory=list)
    after_switch: Sequence[BootstrapState] = ()
    refuses: tuple[str, ...] = ()
    stopped: int = 0
    closed: bool = False
    notice: str = ""
    news: asyncio.Queue[BootstrapState | EngineError] = field(default_factory=asyncio.Queue)

    async def events(self) -> AsyncGenerator[BootstrapState, None]:
        for state in self.states:
            yield state
        if self.dies_after_states:
            raise EngineGone("The engine went away.")
        while True:
            told = await self.news.get()
            if isinstance(told, EngineError):
                raise told
            yield told

    async def switch_model(self, model: str) -> BootstrapState:
        if model in self.refuses:
            raise EngineError(f"There is no model {model}.")
        self.switched.append(model)
        for state in self.after_switch:
            self.news.put_nowait(state)
        return LOADING

    async def tokenize(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> TokenizeReport:
        self.counted.append(tuple(messages))
        return TokenizeReport(tokens=len(messages), context_tokens=100)

    async def adapters(self) -> AdaptersReport:
        return AdaptersReport(active=AdapterReport(name=None))

    async def close(self) -> None:
        self.closed = True

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec],
        session: str,
        temperature: float,
        max_tokens: int,
    ) -> AsyncGenerator[BackendEvent, None]:
        self.asked.append(tuple(messages))
        try:
            for event in self.answers.pop(0):
                if isinstance(event, Exception):
                    raise event
                yield event
            await asyncio.sleep(0)
        except GeneratorExit:
            self.stopped += 1
            raise


@dataclass
class Engines:
    """What connecting gives, one after the other; an exception stands for a start that fails."""

    given: list[Engine | Exception]
    connected: int = 0

    async def __call__(self, settings: Settings, model: str | None) -> tuple[Engine, Engine]:
        self.connected += 1
        engine = self.given.pop(0)
        if isinstance(engine, Exception):
            raise engine
        return engine, engine


def runtime_of(*given: Engine | Exception, model: str | None = None) -> tuple[Runtime, Engines]:
    engines = Engines(list(given))
    return Runtime(Settings(), folder=Path("/project"), model=model, connect=engines), engines


async def heard(runtime: Runtime, question: str = "hi") -> list[TurnEvent]:
    async with asyncio.timeout(5), aclosing(runtime.ask(question)) as events:
        return [event async for event in events]


async def reaches(runtime: Runtime, phase: Phase) -> None:
    async with asyncio.timeout(5), aclosing(runtime.states()) as states:
        async for state in states:
            if state.phase is phase:
                return


async def test_an_answer_is_streamed_and_kept() -> None:
    engine = Engine()
    runtime, _ = runtime_of(engine)
    events = await heard(runtime)
    assert events[-4:] == [TurnStarted("Demo", "local"), *WHOLE]
    assert runtime.record.last_answer == "Hello"
    assert engine.asked[0][0].role == "system"
    assert "/project" in engine.asked[0][0].content
    use = await runtime.context()
    assert use is not None
    assert (use.used_tokens, use.context_tokens) == (3, 100)
    await runtime.close()
    assert engine.closed


async def test_counting_the_context_first_keeps_nobody_from_hearing_what_was_cut(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Use tabs. " * 4000)
    engine = Engine([WHOLE, WHOLE])
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([engine]))
    runtime.start()
    await reaches(runtime, Phase.READY)
    await runtime.context()
    first, second = await heard(runtime), await heard(runtime)
    cut = f"{tmp_path / 'AGENTS.md'} was cut: instructions have 32,000 bytes at most."
    assert Noticed(cut) in first
    assert Noticed(cut) not in second
    await runtime.close()


async def test_the_context_is_counted_with_the_rules_that_go_with_a_question() -> None:
    engine = Engine()
    runtime, _ = runtime_of(engine)
    await heard(runtime, "Write a Python function")
    shot = Snapshot((Message("user", "Write a Python function"),), "```python\nprint(1)\n```", language="python")
    rated = await (await runtime.feedback()).add(Rating(0, "red", shot, "use logging instead of print"))
    assert rated.rule is not None
    await runtime.context()
    assert rated.rule.line in engine.counted[-1][0].content
    await runtime.close()


async def test_a_question_waits_for_the_model_and_goes_on_by_itself() -> None:
    engine = Engine(states=(BootstrapState(Phase.INITIALIZING), LOADING))
    runtime, _ = runtime_of(engine)
    events: list[TurnEvent] = []
    async with asyncio.timeout(5), aclosing(runtime.ask("hi")) as answer:
        async for event in answer:
            events.append(event)
            if event == TurnWaiting("The model is loading."):
                engine.news.put_nowait(READY)
    assert events[-1] == TurnEnded("stop")
    await runtime.close()


async def test_closing_stops_the_generation_and_keeps_what_was_said() -> None:
    engine = Engine()
    runtime, _ = runtime_of(engine)
    async with aclosing(runtime.ask("hi")) as events:
        async for event in events:
            if isinstance(event, TextArrived):
                break
    assert engine.stopped == 1
    assert runtime.record.last_answer == "Hel"
    assert runtime.record.entries[-1].finish_reason == "interrupted"
    await runtime.close()


async def test_cancelling_while_it_waits_leaves_no_question_behind() -> None:
    runtime, _ = runtime_of(Engine(states=(LOADING,)))
    asking = asyncio.create_task(heard(runtime))
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait({asking})
    assert runtime.record.entries == ()
    await runtime.close()


async def test_an_engine_that_goes_away_mid_answer_is_started_again_and_the_part_is_marked() -> None:
    first = Engine([[TextArrived("Hel"), EngineGone("The engine went away.")]])
    runtime, engines = runtime_of(first, Engine())
    events = await heard(runtime)
    assert isinstance(events[-1], TurnFailed)
    assert runtime.record.entries[-1].finish_reason == "lost"
    assert (await heard(runtime, "again"))[-1] == TurnEnded("stop")
    assert engines.connected == 2
    assert first.closed
    await runtime.close()


async def test_a_question_that_got_nothing_is_sent_again_to_the_new_engine() -> None:
    second = Engine()
    runtime, _ = runtime_of(Engine([[EngineGone("The engine went away.")]]), second)
    events = await heard(runtime)
    assert TurnWaiting(AGAIN) in events
    assert events[-1] == TurnEnded("stop")
    assert runtime.record.last_answer == "Hello"
    await runtime.close()


async def test_a_question_is_not_sent_a_third_time() -> None:
    gone = EngineGone("The engine went away.")
    runtime, engines = runtime_of(Engine([[gone]]), Engine([[gone]]), Engine())
    assert isinstance((await heard(runtime))[-1], TurnFailed)
    assert runtime.record.entries == ()
    await runtime.close()
    assert engines.connected <= 3


async def test_readers_of_the_states_survive_a_restart() -> None:
    runtime, _ = runtime_of(Engine(states=(READY,), dies_after_states=True), Engine(states=(LOADING, READY)))
    seen = []
    async with asyncio.timeout(5), aclosing(runtime.states()) as states:
        async for state in states:
            seen.append(state)
            if len(seen) > 1 and state == READY:
                break
    assert runtime.state == READY
    await runtime.close()


async def test_an_engine_that_cannot_be_started_says_why_and_is_tried_again_when_asked() -> None:
    runtime, engines = runtime_of(
        EngineError("No engine.", "Do this."), EngineError("No engine.", "Do this."), Engine()
    )
    assert (await heard(runtime))[-1] == TurnFailed("No engine.", "Do this.")
    assert runtime.state == BootstrapState(Phase.FAILED, reason="No engine.", hint="Do this.")
    assert (await heard(runtime))[-1] == TurnFailed("No engine.", "Do this.")
    assert (await heard(runtime))[-1] == TurnEnded("stop")
    assert engines.connected == 3
    await runtime.close()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (HomeError("The folder /log belongs to another user.", "Choose another."), "The folder /log belongs to"),
        (PermissionError(13, "Permission denied"), "The engine cannot be started: Permission denied."),
    ],
)
async def test_whatever_keeps_an_engine_from_starting_ends_the_question(error: Exception, message: str) -> None:
    runtime, _ = runtime_of(error, error)
    last = (await heard(runtime))[-1]
    assert isinstance(last, TurnFailed)
    assert last.message.startswith(message)
    assert last.hint
    await runtime.close()


async def test_a_model_that_was_refused_is_not_asked_for_again() -> None:
    first, second = Engine([[EngineGone("The engine went away.")]], refuses=("typo",)), Engine(refuses=("typo",))
    runtime, _ = runtime_of(first, second)
    runtime.start()
    await reaches(runtime, Phase.READY)
    with pytest.raises(EngineError, match="no model"):
        await runtime.switch_model("typo")
    assert (await heard(runtime))[-1] == TurnEnded("stop")
    assert second.switched == []
    await runtime.close()


async def test_two_terminals_on_one_conversation_keep_each_their_own(tmp_path: Path) -> None:
    one, other = (
        Runtime(Settings(), folder=tmp_path, connect=Engines([Engine([WHOLE, WHOLE, WHOLE])])) for _ in range(2)
    )
    await heard(one, "first")
    stored = await other.sessions.read(one.record.session)
    assert stored is not None
    other.resume(stored)
    await heard(one, "mine")
    told = await heard(other, "theirs")
    assert any(isinstance(event, Noticed) and "Another terminal" in event.text for event in told)
    await heard(one, "mine again")
    assert one.record.session != other.record.session
    for runtime, questions in ((one, ["first", "mine", "mine again"]), (other, ["first", "theirs"])):
        kept = await runtime.sessions.read(runtime.record.session)
        assert kept is not None
        assert [entry.message.content for entry in kept.entries if entry.message.role == "user"] == questions
        await runtime.close()


async def test_what_there_is_to_know_of_the_engine_is_told_with_the_first_question_alone() -> None:
    runtime, _ = runtime_of(Engine([WHOLE, WHOLE], notice="It has other settings."))
    told = [event for _ in range(2) for event in await heard(runtime) if isinstance(event, Noticed)]
    assert told == [Noticed("It has other settings.")]
    await runtime.close()


async def test_an_engine_that_was_stopped_stays_so_until_the_next_question() -> None:
    engine = Engine()
    runtime, engines = runtime_of(engine, Engine())
    await heard(runtime)
    engine.news.put_nowait(EngineStopped())
    await reaches(runtime, Phase.NOT_AVAILABLE)
    await asyncio.sleep(0.01)
    assert engines.connected == 1
    assert runtime.state.reason == "The engine was stopped."
    assert (await heard(runtime))[-1] == TurnEnded("stop")
    assert engines.connected == 2
    await runtime.close()


async def test_a_question_that_waits_while_the_engine_is_stopped_ends_and_says_so() -> None:
    engine = Engine(states=(LOADING,))
    runtime, engines = runtime_of(engine, Engine())
    async with asyncio.timeout(5), aclosing(runtime.ask("hi")) as answer:
        async for event in answer:
            if isinstance(event, TurnWaiting):
                engine.news.put_nowait(EngineStopped())
    assert event == TurnFailed("The engine was stopped.", "The next question starts it.")
    assert engines.connected == 1
    await runtime.close()


async def test_an_engine_that_dies_again_and_again_is_left_alone() -> None:
    dying = [Engine(states=(LOADING,), dies_after_states=True) for _ in range(5)]
    runtime, engines = runtime_of(*dying)
    runtime.start()
    await reaches(runtime, Phase.FAILED)
    await asyncio.sleep(0.01)
    assert engines.connected == 2
    await runtime.close()


async def test_a_model_that_fails_while_a_question_waits_fails_it_with_its_hint() -> None:
    engine = Engine(states=(LOADING,))
    runtime, _ = runtime_of(engine)
    async with asyncio.timeout(5), aclosing(runtime.ask("hi")) as answer:
        async for event in answer:
            if isinstance(event, TurnWaiting):
                engine.news.put_nowait(FAILED)
    assert event == TurnFailed("Damaged file.", "Delete it.")
    assert engine.switched == []
    await runtime.retry()
    assert engine.switched == ["auto"]
    await runtime.close()


@pytest.mark.parametrize("before", [FAILED, BootstrapState(Phase.NOT_AVAILABLE, reason="No network.")])
async def test_an_engine_that_had_failed_tries_again_with_the_next_question(before: BootstrapState) -> None:
    engine = Engine(states=(before,), after_switch=(READY,))
    runtime, _ = runtime_of(engine)
    assert (await heard(runtime))[-1] == TurnEnded("stop")
    assert engine.switched == ["auto"]
    await runtime.close()


async def test_an_engine_that_fails_again_says_so_and_tries_once_a_question() -> None:
    again = BootstrapState(Phase.FAILED, MODEL, reason="Damaged again.", hint="Delete it.")
    engine = Engine(states=(FAILED,), after_switch=(again,))
    runtime, _ = runtime_of(engine)
    for times in (1, 2):
        assert (await heard(runtime))[-1] == TurnFailed("Damaged again.", "Delete it.")
        assert engine.switched == ["auto"] * times
    await runtime.close()


async def test_a_new_try_that_is_refused_says_why() -> None:
    runtime, _ = runtime_of(Engine(states=(FAILED,), refuses=("auto",)))
    assert (await heard(runtime))[-1] == TurnFailed("There is no model auto.")
    await runtime.close()


async def test_a_refused_request_fails_the_turn_and_leaves_the_conversation_as_it_was() -> None:
    runtime, engines = runtime_of(Engine([[RequestError("Too long.", "Shorten it.")], WHOLE]))
    assert (await heard(runtime))[-1] == TurnFailed("Too long.", "Shorten it.", 2)
    assert runtime.record.entries == ()
    assert (await heard(runtime))[-1] == TurnEnded("stop")
    assert engines.connected == 1
    await runtime.close()


async def test_a_model_that_was_asked_for_is_switched_to() -> None:
    engine = Engine()
    runtime, _ = runtime_of(engine, model="1.5b")
    await heard(runtime)
    await runtime.switch_model("demo")
    assert engine.switched == ["1.5b", "demo"]
    assert runtime.state == LOADING
    await runtime.close()


async def test_a_new_conversation_forgets_the_old_one() -> None:
    engine = Engine([WHOLE, WHOLE])
    runtime, _ = runtime_of(engine)
    await heard(runtime, "one")
    session = runtime.record.session
    runtime.begin_anew()
    await heard(runtime, "two")
    assert [message.content for message in engine.asked[1][1:]] == ["two"]
    assert runtime.record.session != session
    await runtime.close()


async def test_a_setting_is_kept_in_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path / "home"))
    runtime, _ = runtime_of(Engine())
    runtime.remember("theme", "shammah-light")
    assert load({}, {}).settings.theme == "shammah-light"


async def test_a_command_of_the_person_joins_the_conversation(tmp_path: Path) -> None:
    engine = Engine()
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([engine]))
    async with asyncio.timeout(10), aclosing(runtime.run_command("echo from the shell")) as events:
        kinds = [type(event).__name__ async for event in events]
    assert kinds == ["ToolStarted", "ToolOutput", "ToolFinished"]
    await heard(runtime, "What did it print?")
    asked = engine.asked[0]
    assert [message.role for message in asked] == ["system", "user"]
    assert "from the shell" in asked[1].content
    assert asked[1].content.endswith("What did it print?")
    stored = await runtime.sessions.read(runtime.record.session)
    assert stored is not None
    assert [entry.shown for entry in stored.entries] == ["!echo from the shell", "", ""]
    await runtime.close()


async def test_a_command_of_the_person_runs_for_as_long_as_they_want(tmp_path: Path) -> None:
    settings = Settings(tools=ToolsSettings(bash_seconds=1, bash_seconds_max=1))
    runtime = Runtime(settings, folder=tmp_path, connect=Engines([Engine()]))
    async with asyncio.timeout(20), aclosing(runtime.run_command("sleep 1.5; echo the end")) as events:
        heard = [event async for event in events]
    assert isinstance(heard[-1], ToolFinished)
    assert (heard[-1].text, heard[-1].failed) == ("the end", False)
    await runtime.close()


async def test_a_command_of_the_person_is_run_also_where_nothing_can_be_kept(tmp_path: Path) -> None:
    paths.database().mkdir(parents=True)
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([Engine()]))
    async with asyncio.timeout(10), aclosing(runtime.run_command("echo from the shell")) as events:
        heard = [event async for event in events]
    assert isinstance(heard[-2], ToolFinished)
    assert isinstance(heard[-1], Noticed)
    assert "may not be kept for later" in heard[-1].text
    assert str(paths.database()) in heard[-1].text
    await runtime.close()


async def test_a_file_that_is_mentioned_goes_with_the_question_and_the_screen_keeps_what_was_typed(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("inside")
    engine = Engine()
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([engine]))
    await heard(runtime, "What is in @a.txt?")
    assert "inside" in engine.asked[0][1].content
    assert runtime.record.entries[0].shown == "What is in @a.txt?"
    await runtime.close()


async def test_the_conversation_is_on_disk_while_it_is_said(tmp_path: Path) -> None:
    engine = Engine()
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([engine]))
    async with aclosing(runtime.ask("hi")) as events:
        async for event in events:
            if isinstance(event, TextArrived):
                stored = await runtime.sessions.read(runtime.record.session)
                assert stored is not None
                assert stored.entries[0].message.content == "hi"
                break
    stored = await runtime.sessions.read(runtime.record.session)
    assert stored is not None
    assert [(entry.message.content, entry.finish_reason) for entry in stored.entries] == [
        ("hi", "stop"),
        ("Hel", "interrupted"),
    ]
    other = Runtime(Settings(), folder=tmp_path, connect=Engines([Engine()]))
    other.resume(stored)
    await heard(other, "again")
    assert [entry.message.content for entry in other.record.entries] == ["hi", "Hel", "again", "Hello"]
    await runtime.close()
    await other.close()


async def test_a_question_that_nothing_was_said_to_leaves_no_trace(tmp_path: Path) -> None:
    runtime = Runtime(Settings(), folder=tmp_path, connect=Engines([Engine(states=(LOADING,))]))
    asking = asyncio.create_task(heard(runtime))
    await asyncio.sleep(0.3)
    asking.cancel()
    await asyncio.wait({asking})
    assert await runtime.sessions.list() == ()
    await runtime.close()


async def test_bounds_and_times_of_tools_are_those_of_the_settings(tmp_path: Path) -> None:
    settings = Settings.model_validate({"tools": {"result_characters": 1234, "bash_seconds": 5}})
    runtime = Runtime(settings, folder=tmp_path, connect=Engines([Engine()]))
    limits = (await runtime.guard()).ground.limits
    assert (limits.result_characters, limits.bash_seconds) == (1234, 5)
    await runtime.close()


def test_what_the_settings_say_of_tools_is_what_tools_do_without_them() -> None:
    assert Limits(**Settings().tools.model_dump()) == Limits()
