"""The way to a model: waiting, failing, trying again, changing one's mind while one loads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scripts.bench.random_model import TINY, write_model
from shammah_tui import paths
from shammah_tui.bootstrap.prepare import ModelFile
from shammah_tui.config.settings import EngineSettings, ModelSettings, Settings
from shammah_tui.daemon.adapters import Adapters
from shammah_tui.daemon.admission import Admission, Presence
from shammah_tui.daemon.app import create_app
from shammah_tui.daemon.failure import ModelNotReady
from shammah_tui.daemon.loaded import LoadedModel, public_id
from shammah_tui.daemon.service import OpenEngine, Prepare, Service, open_llama
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import Engine, LoadOptions
from shammah_tui.errors import DownloadError, EngineBusy
from shammah_tui.events import BootstrapState, ModelSummary, Phase, Progress
from shammah_tui.learning.store import Store

SETTINGS = Settings(model=ModelSettings(size="demo", slots=2, context_tokens=1024, device="cpu"))
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}
ENDLESS_TEMPLATE = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

Steps = AsyncGenerator[BootstrapState | ModelFile, None]


def file_of(name: str, path: Path | None = None) -> ModelFile:
    return ModelFile(path or paths.demo_model_gguf(), ModelSummary(name, name, "a test"))


class Closable(LlamaEngine):
    """An engine that tells whether it was closed."""

    is_closed = False

    def close(self) -> None:
        super().close()
        self.is_closed = True


async def at_once(settings: Settings, wish: str) -> Steps:
    """A wish is a model's name: "damaged" is no GGUF, "unreachable" cannot be had, others are the demo model."""
    yield BootstrapState(Phase.INITIALIZING)
    if wish == "unreachable":
        raise DownloadError("The hub cannot be reached.", "Look at the network.")
    if wish == "nosuch":
        yield BootstrapState(Phase.FAILED, reason="There is no model nosuch.", hint="`shammah models` lists them.")
        return
    if wish == "cut":
        yield BootstrapState(Phase.DOWNLOADING, progress=Progress("f", 1, 2))
        raise DownloadError("The download was cut off.", "Try again.")
    if wish == "mistaken":
        raise ZeroDivisionError
    if wish == "endless":
        yield BootstrapState(Phase.DOWNLOADING, progress=Progress("f", 1, 2))
        await asyncio.sleep(1000)
    yield file_of(wish, Path(__file__) if wish == "damaged" else None)


@asynccontextmanager
async def serving(
    open_engine: OpenEngine = open_llama, settings: Settings = SETTINGS, prepare: Prepare = at_once
) -> AsyncIterator[tuple[Service, httpx2.AsyncClient]]:
    service = Service(settings, open_engine=open_engine, prepare=prepare)
    transport = httpx2.ASGITransport(create_app(service))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://engine", timeout=30) as http:
            yield service, http
    finally:
        await service.close()


async def until(service: Service, phase: Phase) -> BootstrapState:
    async with asyncio.timeout(30), aclosing(service.states()) as states:
        async for state in states:
            if state.phase is phase:
                return state
    raise AssertionError


async def test_states_are_told_in_order_and_the_last_knows_the_model() -> None:
    async with serving() as (service, _):
        seen = []
        service.choose("demo")
        async with aclosing(service.states()) as states:
            async for state in states:
                seen.append(state.phase)
                if state.phase is Phase.READY:
                    break
        assert seen == [Phase.INITIALIZING, Phase.LOADING, Phase.READY]
        assert service.state.model is not None
        assert (service.state.model.context_tokens, service.state.model.device) == (1024, "cpu")


async def test_a_question_before_the_model_is_told_to_come_again() -> None:
    async with serving() as (service, http):
        service.choose("endless")
        await until(service, Phase.DOWNLOADING)
        response = await http.post("/v1/chat/completions", json=CHAT)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert response.json()["error"]["code"] == "model_not_ready"
        waited = await http.post("/v1/chat/completions", json=CHAT, headers={"x-shammah-wait": "0.1"})
        assert waited.status_code == 503
        assert (await http.get("/v1/models")).json()["data"] == []
        assert 'phase="downloading"} 1' in (await http.get("/metrics")).text
        assert "shammah_download_total_bytes 2" in (await http.get("/metrics")).text


async def test_a_question_may_wait_for_the_model() -> None:
    async with serving() as (service, http):
        asking = asyncio.create_task(http.post("/v1/chat/completions", json=CHAT, headers={"x-shammah-wait": "30"}))
        await asyncio.sleep(0)
        service.choose("demo")
        assert (await asking).status_code == 200


@pytest.mark.parametrize("wish", ["damaged", "unreachable", "mistaken"])
async def test_what_fails_is_said_ends_waiting_at_once_and_can_be_tried_again(wish: str) -> None:
    async with serving() as (service, http):
        service.choose(wish)
        waiting = asyncio.create_task(service.ready(30))
        state = await until(service, Phase.FAILED)
        assert state.reason
        assert state.hint
        with pytest.raises(ModelNotReady, match=r"\w"):
            await waiting
        response = await http.post("/v1/chat/completions", json=CHAT, headers={"x-shammah-wait": "30"})
        assert response.json()["error"]["message"] == state.reason
        assert service.choose("demo").phase is Phase.INITIALIZING
        await until(service, Phase.READY)
        assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_the_loop_runs_while_a_model_loads_and_a_change_of_mind_leaves_one_model() -> None:
    loading, go_on = threading.Event(), threading.Event()
    opened: list[Engine] = []

    def slowly(path: Path, options: LoadOptions) -> Engine:
        loading.set()
        assert go_on.wait(20)
        opened.append(open_llama(path, options))
        return opened[-1]

    async with serving(slowly) as (service, http):
        service.choose("first")
        await asyncio.to_thread(loading.wait, 20)
        assert (await http.get("/health")).json()["phase"] == "loading"
        service.choose("second")
        service.choose("third")
        assert service.choose("third").phase is Phase.INITIALIZING
        go_on.set()
        await until(service, Phase.READY)
        assert service.model_id == "third"
        assert len(opened) == 2
        assert (await http.post("/v1/chat/completions", json={**CHAT, "model": "third"})).status_code == 200
        assert (await http.post("/v1/chat/completions", json={**CHAT, "model": "first"})).status_code == 404


@pytest.mark.parametrize("wish", ["nosuch", "unreachable"])
async def test_a_model_that_cannot_be_had_is_refused_and_the_loaded_one_stays(wish: str) -> None:
    async with serving() as (service, http):
        service.choose("demo")
        state = await until(service, Phase.READY)
        refused = await http.post("/v1/shammah/model", json={"model": wish})
        assert refused.status_code == 503
        assert refused.json()["error"]["message"]
        assert service.state is state
        assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_a_download_that_fails_leaves_the_former_model_in_memory() -> None:
    opened: list[Engine] = []

    def counted(path: Path, options: LoadOptions) -> Engine:
        opened.append(open_llama(path, options))
        return opened[-1]

    async with serving(counted) as (service, http):
        service.choose("demo")
        await until(service, Phase.READY)
        assert (await http.post("/v1/shammah/model", json={"model": "cut"})).status_code == 200
        await until(service, Phase.FAILED)
        assert (await http.post("/v1/shammah/model", json={"model": "demo"})).status_code == 200
        await until(service, Phase.READY)
        assert len(opened) == 1
        assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_a_change_of_mind_while_the_adapter_is_looked_for_leaves_no_engine_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Closable] = []
    looking = asyncio.Event()
    follow = Adapters.follow

    async def follow_for_ever(self: Adapters) -> bool:
        if len(opened) > 1:
            return await follow(self)
        looking.set()
        await asyncio.sleep(1000)
        raise AssertionError

    monkeypatch.setattr(Adapters, "follow", follow_for_ever)

    def counted(path: Path, options: LoadOptions) -> Engine:
        assert all(engine.is_closed for engine in opened), "two models in memory"
        opened.append(Closable(path, options))
        return opened[-1]

    async with serving(counted) as (service, http):
        service.choose("first")
        await asyncio.wait_for(looking.wait(), 20)
        service.choose("second")
        await until(service, Phase.READY)
        assert [engine.is_closed for engine in opened] == [True, False]
        assert (await http.post("/v1/chat/completions", json={**CHAT, "model": "second"})).status_code == 200


async def test_a_failure_while_the_adapter_is_looked_for_leaves_no_engine_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Closable] = []

    async def fail(self: Adapters) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Adapters, "follow", fail)

    def counted(path: Path, options: LoadOptions) -> Engine:
        opened.append(Closable(path, options))
        return opened[-1]

    async with serving(counted) as (service, _):
        service.choose("first")
        await until(service, Phase.FAILED)
        assert [engine.is_closed for engine in opened] == [True]


async def test_changes_of_mind_while_a_model_is_closed_leave_one_model_in_memory(tmp_path: Path) -> None:
    closing, go_on = threading.Event(), threading.Event()
    opened: list[Closable] = []

    class Slow(Closable):
        def close(self) -> None:
            closing.set()
            assert go_on.wait(20)
            super().close()

    def counted(path: Path, options: LoadOptions) -> Engine:
        assert all(engine.is_closed for engine in opened), "two models in memory"
        opened.append((Closable if opened else Slow)(path, options))
        return opened[-1]

    other = tmp_path / "other.gguf"
    other.symlink_to(paths.demo_model_gguf())

    async def prepare(settings: Settings, wish: str) -> Steps:
        yield BootstrapState(Phase.INITIALIZING)
        yield file_of(wish, None if wish == "first" else other)

    service = Service(SETTINGS, open_engine=counted, prepare=prepare)
    try:
        service.choose("first")
        await until(service, Phase.READY)
        service.choose("second")
        await asyncio.to_thread(closing.wait, 20)
        # Twice the same task: by who sets the model aside, and by who wants another one meanwhile.
        setting_aside = asyncio.create_task(service.set_aside("a test"))
        await asyncio.sleep(0.05)
        service.choose("third")
        await asyncio.sleep(0.2)
        assert not setting_aside.done()
        assert len(opened) == 1
        go_on.set()
        await setting_aside
        service.choose("fourth")
        await until(service, Phase.READY)
        assert [engine.is_closed for engine in opened[:-1]] == [True] * (len(opened) - 1)
        assert not opened[-1].is_closed
    finally:
        go_on.set()
        await service.close()
    assert all(engine.is_closed for engine in opened)


async def test_a_control_token_in_a_page_is_text_whatever_form_the_vocabulary_gives_it(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", TINY)
    path.write_bytes(path.read_bytes().replace(b"<|endoftext|>", b"<end_of_turn>"))
    engine = open_llama(path, LoadOptions(context_tokens=1024, slots=2, device="cpu"))
    loaded = LoadedModel(engine, ModelSummary("m", "m", "a test"), Adapters(Store(tmp_path), engine))
    try:
        [control] = engine.tokenize("<end_of_turn>")
        prompt = await loaded.prompt([{"role": "user", "content": "a<end_of_turn>b"}], ())
        assert control not in prompt
        spelled = engine.tokenize("<end_of_turn>", special=False)
        assert any(prompt[at : at + len(spelled)] == spelled for at in range(len(prompt)))
    finally:
        await loaded.close()


async def test_the_same_model_is_not_loaded_again() -> None:
    async with serving() as (service, _):
        service.choose("demo")
        state = await until(service, Phase.READY)
        assert service.choose("demo") is state


async def test_auto_asked_again_has_the_model_that_the_demo_stood_in_for(tmp_path: Path) -> None:
    opened: list[Path] = []
    wishes: list[str] = []
    reachable = False
    real = tmp_path / "real.gguf"
    real.symlink_to(paths.demo_model_gguf())

    def counted(path: Path, options: LoadOptions) -> Engine:
        opened.append(path)
        return open_llama(path, options)

    async def by_the_network(settings: Settings, wish: str) -> Steps:
        wishes.append(wish)
        yield BootstrapState(Phase.INITIALIZING)
        yield file_of("real", real) if reachable else replace(file_of("demo"), stands_in=True)

    async with serving(counted, prepare=by_the_network) as (service, http):
        service.choose("auto")
        state = await until(service, Phase.READY)
        # Who asks for what answers anyway changes nothing.
        assert service.choose("demo") is state
        assert wishes == ["auto"]
        assert (await http.post("/v1/shammah/model", json={"model": "auto"})).status_code == 200
        await until(service, Phase.READY)
        assert opened == [paths.demo_model_gguf()]
        reachable = True
        assert (await http.post("/v1/shammah/model", json={"model": "auto"})).status_code == 200
        await until(service, Phase.READY)
        assert service.model_id == "real"
        assert opened == [paths.demo_model_gguf(), real]
        state = service.state
        assert service.choose("auto") is state


async def test_a_change_of_the_model_breaks_off_its_answers_in_words() -> None:
    async with serving() as (service, http):
        service.choose("demo")
        await until(service, Phase.READY)
        long = {**CHAT, "max_tokens": 900, "temperature": 2, "top_k": 0, "top_p": 1, "stream": True}
        answers = [asyncio.create_task(http.post("/v1/chat/completions", json=long)) for _ in range(4)]
        assert service.loaded is not None
        while not service.loaded.engine.counts().active:  # noqa: ASYNC110  there is no event for it
            await asyncio.sleep(0.001)
        service.choose("other")
        for answer in answers:
            response = await answer
            whole = b"[DONE]" in response.content
            assert whole or "again" in response.text, response.text[-300:]
        await until(service, Phase.READY)
        assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_a_template_without_an_end_is_an_error_and_the_engine_lives() -> None:
    async with serving() as (service, http):
        service.choose("demo")
        await until(service, Phase.READY)
        assert service.loaded is not None
        good = service.loaded.template
        service.loaded.template = type(good)(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        )
        response = await http.post("/v1/chat/completions", json=CHAT)
        assert response.status_code == 500
        assert "template" in response.json()["error"]["message"]
        service.loaded.template = good
        assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200


@pytest.mark.parametrize(
    ("given", "shown"),
    [("demo", "demo"), ("Qwen/Qwen2.5-3B-Instruct", "Qwen/Qwen2.5-3B-Instruct"), ("/home/me/x.gguf", "x")],
)
def test_the_api_shows_no_path_of_this_machine(given: str, shown: str) -> None:
    assert public_id(ModelSummary(given, "n", "r")) == shown


@pytest.mark.parametrize(("slots", "queue"), [(1, 0), (2, 8), (8, 64), (8, 3)])
async def test_the_queue_is_as_long_as_the_setting_says(slots: int, queue: int) -> None:
    settings = Settings(model=ModelSettings(slots=slots), engine=EngineSettings(queue=queue))
    admission = Service(settings).admission
    with ExitStack() as places:
        for _ in range(slots + queue):
            places.enter_context(admission.place())
        with pytest.raises(EngineBusy):
            places.enter_context(admission.place())


async def test_places_are_bounded_and_given_in_order() -> None:
    admission = Admission(running=1, waiting=2)
    order: list[int] = []

    async def ask(number: int) -> None:
        with admission.place():
            async with admission.turn():
                order.append(number)
                await asyncio.sleep(0.01)

    asking = [asyncio.create_task(ask(number)) for number in range(4)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert order == [0, 1, 2]
    assert isinstance(results[3], EngineBusy)
    assert results[3].retry_after_seconds >= 1
    assert (admission.taken, admission.refused_total) == (0, 1)


async def test_presence_counts_from_the_last_who_leaves() -> None:
    presence = Presence()
    waiting = asyncio.create_task(presence.until_deserted(0.1, first_seconds=5))
    with presence.visit():
        await asyncio.sleep(0.3)
        with presence.visit():
            assert presence.count == 2
    assert not waiting.done()
    await asyncio.wait_for(waiting, 2)


async def test_a_download_is_not_broken_off_because_everybody_left() -> None:
    async with serving() as (service, _):
        service.choose("endless")
        await until(service, Phase.DOWNLOADING)
        leaving = asyncio.create_task(service.presence.until_deserted(0, first_seconds=0))
        await asyncio.sleep(0.1)
        assert not leaving.done()
        assert service.presence.count == 0, "a download is no client"
        service.choose("demo")
        await until(service, Phase.READY)
        await asyncio.wait_for(leaving, 10)
