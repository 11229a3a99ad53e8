"""Adapters through the API: taken into use, asked for by a request, refused, followed, and told with every answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gguf
import httpx2
import numpy as np
import pytest

from scripts.bench.random_model import TINY, write_model
from shammah_tui import paths
from shammah_tui.config.settings import LoraSettings
from shammah_tui.daemon.service import Service
from shammah_tui.learning.adapter import sha256
from shammah_tui.learning.store import Store
from shammah_tui.state import Phase

from .adapter_folder import make_adapter
from .test_service import SETTINGS, serving, until

CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Write a Python function that adds two numbers."}],
    "max_tokens": 24,
    "temperature": 0,
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapters `a` and `b` of the demo model, and `tiny` of another one."""
    folder = tmp_path_factory.mktemp("made")
    demo = paths.demo_model_gguf()
    make_adapter(folder / "a", demo, seed=1, created="2026-01-01T00:00:00+00:00")
    make_adapter(folder / "b", demo, seed=2, created="2026-01-02T00:00:00+00:00")
    make_adapter(folder / "tiny", write_model(folder / "tiny.gguf", TINY))
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path))
    shutil.copytree(made, paths.adapters_folder())
    (paths.adapters_folder() / "tiny.gguf").unlink()
    return Store(paths.adapters_folder())


@asynccontextmanager
async def ready(wish: str = "demo") -> AsyncIterator[tuple[Service, httpx2.AsyncClient]]:
    async with serving() as (service, http):
        service.choose(wish)
        await until(service, Phase.READY)
        yield service, http


async def ask(http: httpx2.AsyncClient, adapter: str | None = None, **more: Any) -> tuple[str, str]:
    """The answer, and the adapter that it says it was made by."""
    headers = {} if adapter is None else {"x-shammah-adapter": adapter}
    response = await http.post("/v1/chat/completions", json={**CHAT, **more}, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]["message"]["content"], response.headers["x-shammah-adapter"]


async def use(http: httpx2.AsyncClient, name: str | None, scale: float = 1.0) -> httpx2.Response:
    return await http.post("/v1/shammah/adapter", json={"name": name, "scale": scale})


async def test_the_next_answer_uses_the_adapter_and_says_so(store: Store) -> None:
    async with ready() as (service, http):
        base = await ask(http)
        assert base[1] == "none"
        report = (await use(http, "a")).json()
        assert (report["name"], report["scale"], report["problem"]) == ("a", 1.0, "")
        assert report["sha256"] == sha256(store.folder / "a" / "adapter.gguf")
        with_a = await ask(http)
        assert with_a[1] == "a"
        assert with_a[0] != base[0]
        assert store.current().name == "a"
        assert service.state.phase is Phase.READY
        assert service.state.model is not None
        assert service.state.model.adapter == "a"
        assert (await http.get("/health")).json()["adapter"] == "a"
        assert (await http.get("/v1/models")).json()["data"][0]["meta"]["adapter"] == "a"
        assert (await use(http, "b", 0.5)).json()["scale"] == 0.5
        assert (await ask(http))[1] == "b@0.5"
        assert (await use(http, None)).json()["name"] is None
        assert await ask(http) == base


async def test_a_request_may_ask_for_another_adapter_than_the_active_one(store: Store) -> None:
    async with ready() as (_, http):
        await use(http, "a")
        answers = {wish: await ask(http, wish) for wish in ("none", "a", "b", "a@0.5")}
        assert len({text for text, _ in answers.values()}) >= 3
        assert [made_by for _, made_by in answers.values()] == ["none", "a", "b", "a@0.5"]
        assert (await ask(http))[1] == "a"


async def test_a_stream_tells_its_adapter_too(store: Store) -> None:
    async with ready() as (_, http):
        await use(http, "b")
        response = await http.post("/v1/chat/completions", json={**CHAT, "stream": True})
        assert response.headers["x-shammah-adapter"] == "b"
        assert b"[DONE]" in response.content


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ("nosuch", 404, "no adapter"),
        ("tiny", 409, "another base"),
        ("../a", 400, "names no adapter"),
        ("a@", 400, "names no adapter"),
        ("a@9", 400, "names no adapter"),
        ("a@0", 400, "names no adapter"),
        ("a@1.2.3", 400, "names no adapter"),
        ("current", 404, "no adapter"),
        ("\u00e9", 400, "names no adapter"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_words(store: Store, wish: str, status: int, said: str) -> None:
    async with ready() as (_, http):
        headers = {b"x-shammah-adapter": wish.encode("latin-1")}
        response = await http.post("/v1/chat/completions", json=CHAT, headers=headers)
        assert (response.status_code, said in response.json()["error"]["message"]) == (status, True), response.text
        name = wish.partition("@")[0]
        if wish == name:
            assert (await use(http, name)).status_code == status
            assert store.current().name == ""
        assert (await ask(http))[1] == "none"


def with_value(folder: Path, value: float) -> None:
    """Writes `value` into the adapter, and sums as if it had always been there."""
    path = folder / "adapter.gguf"
    reader = gguf.GGUFReader(path, "r+")
    reader.tensors[0].data[0, 0] = np.float32(value)
    reader.data.flush()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["adapter.gguf"] = sha256(path)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("damage", ["nan", "infinite", "cut", "flipped", "no manifest", "no gguf", "manifest garbage"])
async def test_a_damaged_adapter_is_refused_and_the_active_one_stays(store: Store, damage: str) -> None:
    folder = store.folder / "b"
    gguf_file = folder / "adapter.gguf"
    data = gguf_file.read_bytes()
    match damage:
        case "nan" | "infinite":
            with_value(folder, float("nan") if damage == "nan" else float("inf"))
        case "cut":
            gguf_file.write_bytes(data[: len(data) // 2])
        case "flipped":
            gguf_file.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "no gguf":
            gguf_file.unlink()
        case _:
            (folder / "manifest.json").write_text("[1, 2")
    async with ready() as (_, http):
        await use(http, "a")
        refused = await use(http, "b")
        assert refused.status_code == 409, refused.text
        assert "b" in refused.json()["error"]["message"]
        assert (await ask(http))[1] == "a"
        listed = (await http.get("/v1/shammah/adapters")).json()
        assert (listed["active"]["name"], listed["active"]["problem"]) == ("a", "")


async def test_what_another_program_points_at_is_followed(store: Store) -> None:
    async with ready() as (_, http):
        store.use("b", 0.75)
        assert (await ask(http))[1] == "b@0.75"
        store.off()
        assert (await ask(http))[1] == "none"


async def test_an_engine_starts_with_the_adapter_that_is_in_use(store: Store) -> None:
    store.use("a")
    async with ready() as (service, http):
        assert service.state.model is not None
        assert service.state.model.adapter == "a"
        assert (await ask(http))[1] == "a"


async def test_another_model_takes_the_latest_adapter_that_was_made_for_it_or_none(store: Store) -> None:
    store.use("a")
    store.use("tiny")
    async with ready() as (service, http):
        assert (await ask(http))[1] == "a"
        assert service.state.model is not None
        assert "another base" in service.state.reason
        report = (await http.get("/v1/shammah/adapters")).json()
        assert "tiny" in report["active"]["problem"]
        assert {one["name"]: one["fits"] for one in report["adapters"]} == {"b": True, "a": True, "tiny": False}
        assert next(one for one in report["adapters"] if one["current"])["name"] == "tiny"


@pytest.mark.parametrize("damage", ["gone", "pointer garbage"])
async def test_what_is_in_use_and_gone_leaves_the_base_and_says_why(store: Store, damage: str) -> None:
    store.use("a")
    if damage == "gone":
        shutil.rmtree(store.folder / "a")
    else:
        (store.folder / "current").write_text("{")
    async with ready() as (service, http):
        assert (await ask(http))[1] == "none"
        assert service.state.reason
        assert (await http.get("/v1/shammah/adapters")).json()["active"]["problem"]


async def test_the_engine_takes_adapters_from_where_the_settings_say(store: Store, tmp_path: Path) -> None:
    store.folder.rename(tmp_path / "elsewhere")
    settings = SETTINGS.model_copy(update={"lora": LoraSettings(adapters_dir=str(tmp_path / "elsewhere"))})
    async with serving(settings=settings) as (service, http):
        service.choose("demo")
        await until(service, Phase.READY)
        assert (await use(http, "a")).json()["name"] == "a"
        assert (tmp_path / "elsewhere" / "current").is_file()
