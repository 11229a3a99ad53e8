"""Loading: damaged files are refused in words, before llama.cpp sees them; settings do what they say."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import gguf
import pytest

from scripts.bench.random_model import CHAT_TEMPLATE, TINY, write_model
from shammah_tui.engine import gguf_file
from shammah_tui.engine import model as loading
from shammah_tui.engine.gguf_file import Header, read_header
from shammah_tui.engine.gpu_attempt import GpuAttempt
from shammah_tui.engine.library import native
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.memory import Room, cache_bytes_per_token, choose_context
from shammah_tui.engine.model import choose_threads
from shammah_tui.engine.request import LoadedModel, LoadOptions
from shammah_tui.errors import ModelError

from .conftest import OPTIONS, answer

GIB = 2**30


def test_a_loaded_model_is_described(engine: LlamaEngine, tiny_model: Path) -> None:
    model = engine.model
    assert (model.path, model.architecture, model.name) == (tiny_model, "qwen2", "random-tiny")
    assert (model.context_tokens, model.training_context_tokens, model.vocabulary) == (1024, 2048, 512)
    assert (model.device, model.notice, model.slots) == ("cpu", "", 8)
    assert (model.bos_text, model.eos_text) == ("<|endoftext|>", "<|im_end|>")
    assert model.control_texts == ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    assert model.chat_template == CHAT_TEMPLATE
    assert model.size_bytes == tiny_model.stat().st_size
    assert model.parameters > 100_000


def test_special_tokens_are_one_token_only_where_asked_for(engine: LlamaEngine) -> None:
    assert len(engine.tokenize("<|im_start|>")) == 1
    assert len(engine.tokenize("<|im_start|>", special=False)) > 1
    assert engine.tokenize("") == []


# An engine that dies in the middle of it.
LOST = """
import os, sys
from pathlib import Path
from shammah_tui.engine.gpu_attempt import GpuAttempt
with GpuAttempt(Path(sys.argv[1]), Path(sys.argv[2])).noted():
    os.abort()
"""


def test_after_an_engine_died_loading_on_the_gpu_the_next_one_takes_the_cpu(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # llama.cpp without a GPU computes on the processor whatever it is asked for, so all but the crash is real.
    monkeypatch.setattr(native, "llama_supports_gpu_offload", lambda: True)
    gpu: Literal["metal", "cuda"] = "metal" if sys.platform == "darwin" else "cuda"
    note = tmp_path / "gpu_attempt"
    options = replace(OPTIONS, device="auto", attempt_note=note)

    def loaded(device: Literal["auto", "metal", "cuda"] = "auto", model: Path = tiny_model) -> LoadedModel:
        with closing(LlamaEngine(model, replace(options, device=device))) as engine:
            assert asyncio.run(answer(engine, "hello")).text
            return engine.model

    def lose() -> None:
        lost = subprocess.run([sys.executable, "-c", LOST, note, tiny_model], check=False, capture_output=True)
        assert lost.returncode == -signal.SIGABRT

    assert (loaded().device, note.exists()) == (gpu, False)
    lose()
    found = loaded()
    assert found.device == "cpu"
    assert f"`shammah config set model.device {gpu}` tries the GPU again." in found.notice
    # Asked for by name it is tried, and what was lost is forgotten when it works.
    assert (loaded(gpu).device, note.exists()) == (gpu, False)
    assert loaded().device == gpu
    # Another model is another matter.
    lose()
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_model.read_bytes())
    assert loaded(model=other).device == gpu


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A discrete card to all appearances, beside a memory of 100 kB: smaller than any model."""
    monkeypatch.setattr(native, "llama_supports_gpu_offload", lambda: True)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Room, "of_this_machine", lambda: Room(100_000, 100_000))


@pytest.mark.usefixtures("card")
def test_on_a_card_with_its_own_memory_the_machines_does_not_count(tmp_path: Path) -> None:
    path = write_model(tmp_path / "long.gguf", replace(TINY, context=8192))
    with closing(LlamaEngine(path, replace(OPTIONS, device="auto", context_tokens=0))) as engine:
        assert (engine.model.device, engine.model.context_tokens, engine.model.notice) == ("cuda", 8192, "")
    with pytest.raises(ModelError, match="this machine has"):
        LlamaEngine(path, replace(OPTIONS, device="cpu", context_tokens=0))


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("lost", [False, True])
def test_where_the_card_is_not_used_the_context_is_what_fits_the_machines_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    path = write_model(tmp_path / "long.gguf", replace(TINY, context=8192))
    room = Room(path.stat().st_size + 2 * 3072 * cache_bytes_per_token(read_header(path), "f16"), GIB)
    monkeypatch.setattr(Room, "of_this_machine", lambda: room)
    if lost:
        monkeypatch.setattr(GpuAttempt, "was_lost", lambda self: True)
    else:
        monkeypatch.setattr(loading, "_computes", lambda model, context: False)
    with closing(LlamaEngine(path, replace(OPTIONS, device="auto", context_tokens=0))) as engine:
        assert (engine.model.device, engine.model.context_tokens) == ("cpu", 3072)
        assert "3,072 tokens, which is what fits the free memory" in engine.model.notice
        assert "GPU" in engine.model.notice


@pytest.mark.usefixtures("card")
def test_a_model_that_neither_the_card_nor_the_memory_holds_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_computes", lambda model, context: False)
    with pytest.raises(ModelError, match="this machine has"):
        LlamaEngine(tiny_model, replace(OPTIONS, device="auto"))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.1, 0.3, 0.6, 0.9, 0.999])
def test_a_file_cut_short_is_refused_with_a_hint(tiny_model: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cut.gguf"
    data = tiny_model.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError) as refused:
        LlamaEngine(cut, OPTIONS)
    assert refused.value.hint


def test_no_cut_of_the_header_passes_or_crashes(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    data = tiny_model.read_bytes()
    for size in range(0, 20_000, 97):
        cut.write_bytes(data[:size])
        with pytest.raises(ModelError):
            read_header(cut)


def test_garbage_in_the_header_never_raises_anything_else(tiny_model: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    bad = tmp_path / "bad.gguf"
    data = tiny_model.read_bytes()
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(4):
            changed[chance.randrange(4, 3000)] = chance.randrange(256)
        bad.write_bytes(changed)
        with suppress(ModelError):
            read_header(bad)


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"<html>not found</html>" * 50, b"GGUF\x63\x00\x00\x00" + b"\0" * 64]
)
def test_what_is_not_a_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError) as refused:
        LlamaEngine(path, OPTIONS)
    assert refused.value.hint


def test_tensor_sizes_are_those_of_the_gguf_package() -> None:
    known = {int(kind): tuple(sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: known[kind] for kind in gguf_file._BLOCKS} == gguf_file._BLOCKS


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none.gguf", tmp_path, tmp_path / "pipe"):
        with pytest.raises(ModelError):
            LlamaEngine(path, OPTIONS)


def test_an_unknown_architecture_is_refused_in_llama_cpps_words(tiny_model: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.gguf"
    strange.write_bytes(tiny_model.read_bytes().replace(b"qwen2", b"qwenX"))
    with pytest.raises(ModelError, match="qwenX"):
        LlamaEngine(strange, OPTIONS)


def header(size_bytes: int = GIB, **numbers: int) -> Header:
    shape = {
        "block_count": 28, "embedding_length": 3584, "attention.head_count": 28, "attention.head_count_kv": 4,
        "context_length": 131_072,
    } | numbers  # fmt: skip
    metadata = {"general.architecture": "qwen2"} | {f"qwen2.{key}": value for key, value in shape.items()}
    return Header(metadata, 1, size_bytes)


def test_the_cache_of_qwen_7b_takes_56_kib_a_token() -> None:
    assert cache_bytes_per_token(header(), "f16") == 56 * 1024


@pytest.mark.parametrize(
    ("asked", "free_gib", "trained", "expected", "noticed"),
    [
        (0, 64, 131_072, 32_768, False),
        (0, 64, 4096, 4096, False),
        (0, 2, 131_072, 9216, True),
        (0, 1, 131_072, 2048, True),
        (5000, 64, 131_072, 5120, False),
        (50_000, 64, 131_072, 50_176, False),
        (50_000, 64, 4096, 4096, True),
    ],
)
def test_the_context_is_what_fits(asked: int, free_gib: int, trained: int, expected: int, noticed: bool) -> None:
    room = Room(free_gib * GIB, 64 * GIB)
    chosen, notice = choose_context(asked, header(context_length=trained), "f16", room)
    assert chosen == expected
    assert bool(notice) == noticed


def test_a_model_larger_than_memory_is_refused() -> None:
    with pytest.raises(ModelError, match=r"100\.0 GiB"):
        choose_context(0, header(100 * GIB), "f16", Room(8 * GIB, 16 * GIB))


def test_a_small_model_runs_on_one_thread_and_a_wish_is_kept() -> None:
    assert choose_threads(0, 6_000_000) == 1
    assert choose_threads(3, 6_000_000) == 3
    assert choose_threads(0, GIB) >= 1


async def test_a_gpu_that_is_not_there_falls_back_to_the_cpu_with_a_notice(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, replace(OPTIONS, device="cuda"))
    try:
        if engine.model.device == "cpu":
            assert "cuda" in engine.model.notice
        assert (await answer(engine, "still here")).text
    finally:
        engine.close()


@pytest.mark.parametrize(
    "options", [replace(OPTIONS, flash_attention="on", kv_type="q8_0"), replace(OPTIONS, flash_attention="off")]
)
async def test_flash_attention_and_cache_type_can_be_set(tiny_model: Path, options: LoadOptions) -> None:
    engine = LlamaEngine(tiny_model, options)
    try:
        assert (await answer(engine, "hello")).end.usage.completion_tokens == 24
    finally:
        engine.close()
