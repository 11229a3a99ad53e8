"""Sessions on disk: restored after a restart, never trusted."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.bench.random_model import TINY, write_model
from shammah_tui.engine import scheduler
from shammah_tui.engine import session as sessions
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import LoadOptions
from shammah_tui.engine.session import SessionStore
from shammah_tui.engine.slot import CacheKey

from .conftest import OPTIONS, answer

PROMPT = "a conversation worth keeping " * 12


@pytest.fixture
def options(tmp_path: Path) -> LoadOptions:
    return replace(OPTIONS, session_folder=tmp_path / "sessions")


def files(options: LoadOptions) -> list[Path]:
    assert options.session_folder is not None
    return sorted(options.session_folder.glob("*"))


async def converse(model: Path, options: LoadOptions) -> str:
    """One turn in a session, then the engine goes away; the answer."""
    engine = LlamaEngine(model, options)
    try:
        return (await answer(engine, PROMPT, session="mine")).text
    finally:
        engine.close()


async def resume(model: Path, options: LoadOptions, session: str = "mine") -> tuple[int, str]:
    """The same turn asked of a new engine: tokens not computed again, and the answer."""
    engine = LlamaEngine(model, options)
    try:
        whole = await answer(engine, PROMPT, session=session)
        return whole.end.usage.cached_tokens, whole.text
    finally:
        engine.close()


async def test_a_session_is_restored_after_a_restart_and_says_the_same(tiny_model: Path, options: LoadOptions) -> None:
    text = await converse(tiny_model, options)
    cached, again = await resume(tiny_model, options)
    assert cached > 300
    assert again == text


async def test_only_the_session_of_that_name_is_restored(tiny_model: Path, options: LoadOptions) -> None:
    await converse(tiny_model, options)
    assert (await resume(tiny_model, options, "another"))[0] == 0


async def test_a_session_of_another_model_or_cache_type_is_not_restored(
    tiny_model: Path, options: LoadOptions, tmp_path: Path
) -> None:
    await converse(tiny_model, options)
    assert (await resume(tiny_model, replace(options, kv_type="q8_0")))[0] == 0
    other = write_model(tmp_path / "other.gguf", TINY, seed=1)
    assert (await resume(other, options))[0] == 0


async def test_a_pause_keeps_the_session_so_that_a_kill_cannot_take_it(
    tiny_model: Path, options: LoadOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "SAVE_AFTER_SECONDS", 0.05)
    engine = LlamaEngine(tiny_model, options)
    try:
        said = await answer(engine, PROMPT, session="mine")
        await asyncio.to_thread(until_file, options)
        # Another engine finds it while this one still runs, as if it had been killed.
        cached, again = await resume(tiny_model, options)
        assert cached > 300
        assert again == said.text
        written = files(options)[0].stat().st_mtime_ns
        await answer(engine, PROMPT, session="mine")
        await asyncio.sleep(0.3)
        assert files(options)[0].stat().st_mtime_ns == written  # nothing of worth was added
    finally:
        engine.close()


def until_file(options: LoadOptions) -> None:
    deadline = time.monotonic() + 20
    while not any(path.suffix == ".kv" for path in files(options)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_without_a_session_nothing_is_written(tiny_model: Path, options: LoadOptions) -> None:
    engine = LlamaEngine(tiny_model, options)
    await answer(engine, PROMPT)
    engine.close()
    assert files(options) == []


async def test_files_are_for_their_owner_alone_whatever_the_umask(tiny_model: Path, options: LoadOptions) -> None:
    before = os.umask(0)
    try:
        await converse(tiny_model, options)
    finally:
        os.umask(before)
    (file,) = files(options)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["flipped", "cut", "cut in the header", "empty", "garbage"])
async def test_a_damaged_file_is_ignored_and_replaced(
    tiny_model: Path, options: LoadOptions, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = await converse(tiny_model, options)
    (file,) = files(options)
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(
        {
            "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "cut": whole[:middle],
            "cut in the header": whole[:10],
            "empty": b"",
            "garbage": b"\xff" * 5000,
        }[damage]
    )
    assert await resume(tiny_model, options) == (0, text)
    assert "damaged" in caplog.text
    assert file.read_bytes()[:4] == whole[:4]
    assert (await resume(tiny_model, options))[0] > 300


async def test_a_folder_that_cannot_be_written_costs_nothing_but_the_session(
    tiny_model: Path, options: LoadOptions, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert await converse(tiny_model, replace(options, session_folder=blocked / "inside"))


async def test_a_session_pushed_out_of_its_slot_comes_back_from_disk(tiny_model: Path, options: LoadOptions) -> None:
    engine = LlamaEngine(tiny_model, replace(options, slots=1))
    try:
        await answer(engine, PROMPT, session="mine")
        await answer(engine, "something else entirely " * 20, session="yours")
        back = await answer(engine, PROMPT, session="mine")
        assert back.end.usage.cached_tokens > 300
    finally:
        engine.close()


def test_the_oldest_files_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FILES_MAX", 2)
    for age, name in enumerate(["new", "middle", "old"]):
        file = tmp_path / f"{name}.kv"
        file.write_bytes(b"x")
        os.utime(file, (1000 - age, 1000 - age))
    SessionStore(tmp_path, "model")._prune()
    assert {file.name for file in tmp_path.iterdir()} == {"new.kv", "middle.kv"}


def test_adapters_never_share_a_file(tmp_path: Path) -> None:
    store = SessionStore(tmp_path, "model")
    keys = [CacheKey(), CacheKey("a", 1.0), CacheKey("a", 0.5), CacheKey("b", 1.0)]
    assert len({store._path("mine", key) for key in keys}) == len(keys)
