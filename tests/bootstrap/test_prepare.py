"""The whole way from a wish to a file, for real: own process, own cache, a hub on loopback."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import psutil
import pytest

from shammah_tui import paths
from shammah_tui.bootstrap import cache, reach
from shammah_tui.bootstrap.hardware import Gpu
from shammah_tui.bootstrap.prepare import prepare
from shammah_tui.bootstrap.report import facts, list_models
from shammah_tui.config.settings import ModelSettings, Settings
from shammah_tui.events import BootstrapState, Phase
from tests.bootstrap.asking import output
from tests.bootstrap.conftest import DATA, GIBIBYTE, LAPTOP, OTHER, USUAL, run, told
from tests.bootstrap.hub import Hub
from tests.bootstrap.hub_server import Faults

NOWHERE = "http://127.0.0.1:9"


async def test_auto_downloads_the_model_of_this_machine_and_then_needs_no_network(hub: Hub) -> None:
    states, file = await run()
    assert [state.phase for state in states][:2] == [Phase.INITIALIZING, Phase.DOWNLOADING]
    assert file is not None
    assert file.path.read_bytes() == DATA
    assert file.summary.id == USUAL
    assert "machine with 8.6 GB of memory" in file.summary.reason
    assert not file.summary.is_demo
    assert not file.stands_in
    hub.misbehave(Faults())
    states, file = await run()
    assert file is not None
    assert file.summary.id == USUAL
    assert hub.seen.requests == []


async def test_the_settings_say_what_is_wished(hub: Hub) -> None:
    _, file = await run(settings=Settings(model=ModelSettings(size="0.5b", family="instruct")))
    assert file is not None
    assert file.summary.id == "Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0"
    assert file.model is not None
    assert file.model.base_repo == "Qwen/Qwen2.5-0.5B-Instruct"


async def test_without_the_hub_the_demo_answers_soon_and_says_why(
    hub: Hub, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    before = time.monotonic()
    states, file = await run()
    assert time.monotonic() - before < 2
    assert file is not None
    assert (file.path, file.summary.is_demo, file.summary.id) == (demo, True, "demo")
    assert file.stands_in
    assert file.summary.reason == "the hub cannot be reached and nothing is downloaded yet"
    assert "The demo model answers" in states[-1].reason
    assert "--model auto" in states[-1].hint


async def test_a_hub_that_does_not_answer_is_not_waited_for(
    hub: Hub, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        monkeypatch.setattr(reach, "TIMEOUT_SECONDS", 0.3)
        before = time.monotonic()
        _, file = await run()
        assert time.monotonic() - before < 2
    assert file is not None
    assert file.summary.is_demo


@pytest.mark.parametrize(
    ("settings", "variables", "words"),
    [
        (Settings(offline=True), {}, "offline is set and nothing is downloaded yet"),
        (Settings(), {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        (
            Settings(),
            {"HF_ENDPOINT": "https://hub.invalid", "HTTPS_PROXY": "<hub>", "NO_PROXY": ""},
            "the proxy does not",
        ),
    ],
)
async def test_what_forbids_the_hub_is_named(
    hub: Hub, demo: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, hub.url if value == "<hub>" else value)
    _, file = await run(settings=settings)
    assert file is not None
    assert words in file.summary.reason
    assert [request for request in hub.seen.requests if "GET" in request] == []


async def test_without_the_hub_what_is_downloaded_goes_before_the_demo(
    hub: Hub, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run("0.5b")
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    _, file = await run()
    assert file is not None
    assert file.summary.id == "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:Q8_0"
    assert "cannot be reached, and this one is downloaded already" in file.summary.reason
    assert file.stands_in


@pytest.mark.parametrize(
    ("status", "words", "step"),
    [
        (502, "the hub fails just now", "Try again later"),
        (503, "the hub fails just now", "Try again later"),
        (407, "the proxy does not let the hub through", "Check HTTPS_PROXY"),
    ],
)
async def test_a_gateway_without_the_hub_behind_it_leads_to_what_is_here(
    hub: Hub, demo: Path, status: int, words: str, step: str
) -> None:
    hub.misbehave(Faults(first_page_status=status))
    states, file = await run()
    assert file is not None
    assert file.summary.is_demo
    assert words in file.summary.reason
    assert file.stands_in
    assert step in states[-1].hint
    states, file = await run("1.5b")
    assert file is None
    assert words in states[-1].reason


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_a_mirror_without_a_first_page_is_asked_for_the_model(hub: Hub, status: int) -> None:
    hub.misbehave(Faults(first_page_status=status))
    _, file = await run()
    assert file is not None
    assert file.summary.id == USUAL


async def test_with_neither_hub_nor_demo_there_is_no_model(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    states, file = await run(settings=Settings(offline=True))
    assert file is None
    assert states[-1].phase is Phase.NOT_AVAILABLE
    assert "demo model is missing" in states[-1].reason


@pytest.mark.parametrize("wish", ["1.5b", "qwen2.5-coder-1.5b", USUAL, OTHER])
async def test_what_is_named_and_cannot_be_had_is_never_replaced(
    hub: Hub, demo: Path, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    states, file = await run(wish)
    assert file is None
    assert states[-1].phase is Phase.NOT_AVAILABLE
    assert "cannot be reached" in states[-1].reason
    assert "--model demo" in states[-1].hint


async def test_the_demo_is_there_for_the_asking_also_with_the_hub(hub: Hub, demo: Path) -> None:
    states, file = await run("demo")
    assert file is not None
    assert file.summary.is_demo
    assert not file.stands_in
    assert [state.reason for state in states] == [""]
    assert hub.seen.requests == []


async def test_a_path_is_taken_as_it_is(hub: Hub, tmp_path: Path) -> None:
    given = tmp_path / "mine.gguf"
    given.write_bytes(DATA)
    _, file = await run(str(given))
    assert file is not None
    assert (file.path, file.summary.name, file.summary.size_bytes) == (given, "mine", len(DATA))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("/nowhere/x.gguf", "cannot be read: No such file"),
        ("<other>", "is no GGUF file"),
        ("5b", 'no model of size "5b"'),
        ("nonsense", "no model that Shammah knows"),
    ],
)
async def test_a_wish_that_cannot_be_met_says_why(hub: Hub, tmp_path: Path, wish: str, words: str) -> None:
    other = tmp_path / "other.gguf"
    other.write_text("PK, not a model")
    states, file = await run(str(other) if wish == "<other>" else wish)
    assert file is None
    assert states[-1].phase is Phase.FAILED
    assert words in states[-1].reason
    assert states[-1].hint


async def test_a_failed_download_is_said_and_can_be_tried_again(hub: Hub) -> None:
    hub.misbehave(Faults(api_status=500))
    states, file = await run()
    assert file is None
    assert states[-1].phase is Phase.FAILED
    assert "failed (500)" in states[-1].reason
    assert "--model demo" in states[-1].hint
    hub.misbehave(Faults())
    _, file = await run()
    assert file is not None


@pytest.mark.parametrize(("device", "gpus_usable"), [("cpu", True), ("auto", False), ("cuda", False)])
async def test_a_graphics_card_that_the_engine_will_not_use_does_not_count(
    hub: Hub, device: Literal["auto", "cpu", "cuda"], gpus_usable: bool
) -> None:
    card = Gpu("card", 24 * GIBIBYTE, 24 * GIBIBYTE)
    machine = replace(LAPTOP, gpus=(card,), gpus_usable=gpus_usable)
    settings = Settings(offline=True, model=ModelSettings(device=device))
    rows = await list_models(settings, hardware=machine)
    assert [row.source for row in rows if row.is_chosen] == [USUAL]


async def test_no_room_for_any_model_leads_to_the_demo(hub: Hub, demo: Path) -> None:
    full = replace(LAPTOP, disk_free_bytes=GIBIBYTE // 2)
    _, file = await told(prepare(Settings(), hardware=full))
    assert file is not None
    assert file.summary.is_demo
    assert "of disk and" in file.summary.reason


async def test_leaving_early_leaves_no_process(hub: Hub) -> None:
    hub.misbehave(Faults(stall_at=len(DATA) // 2))
    others = set(psutil.Process().children())
    async with aclosing(prepare(Settings(), hardware=LAPTOP)) as steps:
        async for step in steps:
            if isinstance(step, BootstrapState) and step.progress and step.progress.done_bytes:
                break
    assert set(psutil.Process().children()) <= others


async def test_the_list_says_what_is_here_fits_and_is_chosen(hub: Hub) -> None:
    await run()
    rows = {row.source or row.id: row for row in await list_models(Settings(), hardware=LAPTOP)}
    assert rows[USUAL].is_downloaded
    assert rows[USUAL].is_chosen
    assert [row.source for row in rows.values() if row.is_chosen] == [USUAL]
    assert not rows["Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:Q8_0"].is_downloaded
    assert "commercial" in rows["Qwen/Qwen2.5-3B-Instruct-GGUF:Q8_0"].licence_note
    assert rows["demo"].fits


async def test_the_facts_for_the_doctor_name_the_obstacle(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await facts(Settings())
    assert (found.endpoint, found.obstacle) == (hub.url, None)
    assert found.cache_folder == cache.hub_cache_folder()
    assert found.free_disk_bytes > 0
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    found = await facts(Settings())
    assert found.obstacle is not None
    assert "cannot be reached" in found.obstacle.reason


def test_a_start_with_a_downloaded_model_imports_nothing_heavy() -> None:
    script = (
        "import sys, shammah_tui.bootstrap.prepare, shammah_tui.bootstrap.report;"
        "print([name for name in ('huggingface_hub', 'httpx2', 'torch', 'llama_cpp') if name in sys.modules])"
    )
    assert output(script).strip() == "[]"
