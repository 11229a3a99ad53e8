"""The client finds, starts, shares and ends the engine of its home, and knows when it is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from shammah_tui import paths
from shammah_tui.backends import engine_process
from shammah_tui.backends.engine_client import EngineClient, absolute
from shammah_tui.backends.local import LocalBackend
from shammah_tui.config.settings import EngineSettings, ModelSettings, Settings
from shammah_tui.conversation import Message
from shammah_tui.errors import EngineError, EngineGone
from shammah_tui.events import BootstrapState, Phase, TextArrived, TurnEnded, TurnFailed
from shammah_tui.files import private_folder
from shammah_tui.process import read_identity
from shammah_tui.runtime import Runtime

DEMO = Settings(offline=True, model=ModelSettings(size="demo"), engine=EngineSettings(keep_alive="1m"))
QUESTION = [Message("user", "Write a Python function that adds two numbers")]


@pytest.fixture(autouse=True)
async def ended(own_ground: Path) -> AsyncIterator[None]:
    """Whatever a test started ends with it."""
    yield
    await engine_process.stop()
    assert not _leftovers(own_ground)


async def until_ready(client: EngineClient) -> BootstrapState:
    async with asyncio.timeout(60), aclosing(client.events()) as states:
        async for state in states:
            assert state.phase not in (Phase.FAILED, Phase.NOT_AVAILABLE), state
            if state.phase is Phase.READY:
                return state
    raise AssertionError


async def until_idle() -> None:
    """Until the engine has noticed that its clients left."""
    async with asyncio.timeout(10):
        while (report := await engine_process.status()) is not None and report.clients:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def answering(client: EngineClient) -> str:
    """The id of the model, once one is there."""
    model = (await until_ready(client)).model
    assert model is not None
    return model.id


async def test_a_chat_from_nothing_to_an_answer() -> None:
    async with await engine_process.connect(DEMO) as client:
        state = await until_ready(client)
        assert state.model is not None
        assert state.model.is_demo
        assert state.model.context_tokens > 0
        events = [
            event
            async for event in LocalBackend(client).stream(
                QUESTION, tools=[], session="s1", temperature=0, max_tokens=100
            )
        ]
        assert "def " in "".join(event.text for event in events if isinstance(event, TextArrived))
        assert isinstance(events[-1], TurnEnded)
        assert events[-1].usage.completion_tokens > 3
        assert (await client.tokenize(QUESTION)).tokens > 5
        assert await client.models() == ("demo",)
        report = await client.health()
        assert (report.keep_alive_seconds, report.phase) == (60, "ready")


async def test_two_clients_share_one_engine_and_two_starts_at_once_give_one() -> None:
    clients = await asyncio.gather(*(engine_process.connect(DEMO) for _ in range(3)))
    reports = [await client.health() for client in clients]
    assert len({report.pid for report in reports}) == 1
    for client in clients:
        await client.close()
    home = str(paths.home())
    async with asyncio.timeout(10):
        while len(_engines(home)) > 1:  # noqa: ASYNC110  those that came second are on their way out
            await asyncio.sleep(0.05)


async def test_it_is_not_started_where_that_is_not_wanted() -> None:
    with pytest.raises(EngineError, match="No engine is running"):
        await engine_process.connect(DEMO, start=False)
    assert await engine_process.status() is None
    assert await engine_process.stop() is False


async def test_stop_ends_it_and_says_so() -> None:
    client = await engine_process.connect(DEMO)
    await client.close()
    assert await engine_process.stop() is True
    assert await engine_process.status() is None
    assert _engines(str(paths.home())) == []


async def test_an_engine_that_hangs_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    client = await engine_process.connect(DEMO)
    pid = (await client.health()).pid
    await client.close()
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(engine_process, "STOP_SECONDS", 0.5)
    monkeypatch.setattr("shammah_tui.backends.engine_client.SHORT", 0.5)
    assert await engine_process.stop() is True


async def test_a_kill_in_the_middle_of_an_answer_is_seen_and_a_new_one_starts(endless_model: Path) -> None:
    settings = DEMO.model_copy(update={"model": ModelSettings(size=str(endless_model))})
    first = await engine_process.connect(settings)
    await until_ready(first)
    backend = LocalBackend(first)

    async def ask_and_kill() -> None:
        async for event in backend.stream(QUESTION, tools=[], session="s", temperature=0, max_tokens=4000):
            if isinstance(event, TextArrived):
                _kill()

    with pytest.raises(EngineGone) as caught:
        await ask_and_kill()
    assert caught.value.hint
    with pytest.raises(EngineGone):
        await first.health()
    await first.close()
    began = time.monotonic()
    async with await engine_process.connect(DEMO) as second:
        await until_ready(second)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("by_signal", [False, True])
async def test_a_stop_in_the_middle_of_an_answer_ends_it_and_the_engine_stays_away_until_the_next_question(
    endless_model: Path, tmp_path: Path, by_signal: bool
) -> None:
    settings = DEMO.model_copy(update={"model": ModelSettings(size=str(endless_model))})
    runtime = Runtime(settings, folder=tmp_path)
    stopped = False
    async with asyncio.timeout(60), aclosing(runtime.ask("Count to a million")) as answer:
        async for event in answer:
            if isinstance(event, TextArrived) and not stopped:
                stopped = True
                if by_signal:
                    _send(signal.SIGTERM)
                else:
                    assert await engine_process.stop()
    assert event == TurnFailed("The engine was stopped.", "The next question starts it.")
    assert runtime.state == BootstrapState(Phase.NOT_AVAILABLE, reason=event.message, hint=event.hint)
    await engine_process.stop()
    assert _engines(str(paths.home())) == []
    async with asyncio.timeout(60), aclosing(runtime.ask("Once more")) as answer:
        async for event in answer:
            if isinstance(event, TextArrived):
                break
    await runtime.close()


async def test_a_kill_is_seen_by_who_watches_the_states() -> None:
    async with await engine_process.connect(DEMO) as client:

        async def watch_and_kill() -> None:
            async for state in client.events():
                if state.phase is Phase.READY:
                    _kill()

        with pytest.raises(EngineGone):
            await asyncio.wait_for(watch_and_kill(), 30)


async def test_another_model_can_be_chosen_and_one_that_is_not_there_leaves_the_loaded_one() -> None:
    async with await engine_process.connect(DEMO) as client:
        await until_ready(client)
        assert (await client.switch_model("demo")).phase is Phase.READY
        with pytest.raises(EngineError, match=r"/nowhere/model\.gguf"):
            await client.switch_model("/nowhere/model.gguf")
        assert (await client.state()).phase is Phase.READY
        assert (await client.tokenize(QUESTION)).tokens > 0


async def test_a_relative_path_is_that_of_the_client_in_the_settings_as_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first.gguf", "second.gguf"):
        (tmp_path / name).symlink_to(paths.demo_model_gguf())
    monkeypatch.chdir(tmp_path)
    settings = DEMO.model_copy(update={"model": ModelSettings(size="first.gguf")})
    async with await engine_process.connect(settings) as client:
        assert await answering(client) == str(tmp_path / "first.gguf")
        with pytest.raises(EngineError, match=str(tmp_path / "third.gguf")):
            await client.switch_model("third.gguf")
        await client.switch_model("./second.gguf")
        assert await answering(client) == str(tmp_path / "second.gguf")


@pytest.mark.parametrize("model", ["auto", "7b", "owner/name", "owner/name:file.gguf"])
def test_what_is_no_path_goes_to_the_engine_as_it_is(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7b").touch()
    monkeypatch.chdir(tmp_path)
    assert absolute(model) == model


async def test_a_socket_that_nobody_answers_on_is_replaced(own_ground: Path) -> None:
    private_folder(own_ground)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(paths.daemon_socket()))
    async with await engine_process.connect(DEMO) as client:
        assert (await client.health()).status == "ok"


async def test_an_engine_of_another_version_is_replaced_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    first = await engine_process.connect(DEMO)
    pid = (await first.health()).pid
    monkeypatch.setattr(engine_process, "__version__", "99.0")
    second = await engine_process.connect(DEMO)
    assert (await second.health()).pid != pid
    async with aclosing(second.events()) as states:
        await anext(states)
        kept = await engine_process.connect(DEMO)
        assert (await kept.health()).pid == (await second.health()).pid
        monkeypatch.setattr(engine_process, "PROTOCOL", 99)
        with pytest.raises(EngineError, match="do not understand"):
            await engine_process.connect(DEMO)
    for client in (first, second, kept):
        await client.close()


async def test_an_engine_of_other_settings_is_replaced_when_idle_and_told_of_when_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with await engine_process.connect(DEMO) as first:
        pid = (await first.health()).pid
    monkeypatch.setenv("SHAMMAH_MODEL_CONTEXT_TOKENS", "512")
    smaller = DEMO.model_copy(update={"model": ModelSettings(size="demo", context_tokens=512)})
    async with await engine_process.connect(smaller) as second:
        assert (await second.health()).pid != pid
        pid = (await second.health()).pid
        model = (await until_ready(second)).model
        assert model is not None
        assert model.context_tokens == 512
        async with await engine_process.connect(smaller) as same:
            assert ((await same.health()).pid, same.notice) == (pid, "")
        async with aclosing(second.events()) as states:
            await anext(states)
            async with await engine_process.connect(DEMO) as other:
                assert (await other.health()).pid == pid
                assert "other settings" in other.notice
                assert "`shammah daemon stop`" in other.notice


async def test_a_token_for_the_hub_that_is_set_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await engine_process.connect(DEMO) as first:
        pid = (await first.health()).pid
        await until_ready(first)
        async with aclosing(first.events()) as states:
            await anext(states)
            monkeypatch.setenv("HF_TOKEN", "hf_secret")
            async with (
                await engine_process.connect(DEMO) as shared,
                await engine_process.connect(DEMO, model="7b") as wishing,
            ):
                assert (await wishing.health()).pid == pid
                assert (shared.notice, "HF_" in wishing.notice) == ("", True)
    await until_idle()
    async with await engine_process.connect(DEMO) as second:
        assert (await second.health()).pid != pid


async def test_whoever_is_offline_shares_no_engine_that_may_go_online() -> None:
    online = await engine_process.connect(DEMO.model_copy(update={"offline": False}))
    async with online, aclosing(online.events()) as states:
        await anext(states)
        with pytest.raises(EngineError, match="may go online") as caught:
            await engine_process.connect(DEMO)
        assert "shammah daemon stop" in caught.value.hint
    await until_idle()
    async with await engine_process.connect(DEMO) as own:
        assert (await own.health()).offline


async def test_an_engine_that_stays_is_not_replaced_for_its_settings() -> None:
    stays = DEMO.model_copy(update={"engine": EngineSettings(keep_alive="always")})
    async with await engine_process.connect(stays) as first:
        pid = (await first.health()).pid
    other = stays.model_copy(update={"model": ModelSettings(size="demo", slots=2)})
    async with await engine_process.connect(other) as second:
        assert (await second.health()).pid == pid
        assert "other settings" in second.notice


async def test_an_engine_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = DEMO.model_copy(update={"engine": EngineSettings.model_construct(keep_alive="nonsense")})
    with pytest.raises(EngineError, match="ended as soon as it was started") as caught:
        await engine_process.connect(broken)
    assert "daemon.log" in caught.value.hint


async def test_a_home_that_lies_deep_has_its_socket_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path.joinpath(*["folder-with-a-long-name"] * 5)
    monkeypatch.setenv("SHAMMAH_HOME", str(deep))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert deep not in paths.daemon_socket().parents
    async with await engine_process.connect(DEMO) as client:
        assert (await client.health()).status == "ok"
    await engine_process.stop()
    assert not paths.daemon_socket().exists()


def _leftovers(home: Path) -> set[str]:
    return {"daemon.sock", "daemon.pid"} & {path.name for path in home.glob("*")}


def _kill() -> None:
    _send(signal.SIGKILL)


def _send(number: signal.Signals) -> None:
    holder = read_identity(paths.daemon_pid())
    if holder is not None and holder.is_alive():
        os.kill(holder.pid, number)


def _engines(home: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SHAMMAH_HOME") == home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
