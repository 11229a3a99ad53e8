"""A tiny model with random weights, made on the spot, and engines over it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.bench.random_model import TINY, write_model
from shammah_tui import paths
from shammah_tui.engine.generation import LlamaGeneration
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationEnded, GenerationRequest, LoadOptions, Sampling, TextGenerated
from shammah_tui.errors import EngineError

GREEDY = Sampling(temperature=0)
OPTIONS = LoadOptions(context_tokens=1024, slots=8, device="cpu")


@dataclass(frozen=True, slots=True)
class Whole:
    text: str
    pieces: tuple[TextGenerated, ...]
    end: GenerationEnded


async def answer(engine: LlamaEngine, prompt: Sequence[int] | str, **request: object) -> Whole:
    """Asks and reads to the end; greedy unless said otherwise."""
    tokens = engine.tokenize(prompt) if isinstance(prompt, str) else prompt
    fields: dict[str, object] = {"sampling": GREEDY, "max_tokens": 24} | request
    pieces: list[TextGenerated] = []
    async for event in engine.generate(GenerationRequest(tokens, **fields)):  # type: ignore[arg-type]
        if isinstance(event, GenerationEnded):
            return Whole("".join(piece.text for piece in pieces), tuple(pieces), event)
        pieces.append(event)
    raise AssertionError("an answer without an end")


async def fresh_answer(model: Path, prompt: str, **request: object) -> Whole:
    """From an engine with an empty cache. Where keys and values lie in the cache changes the order of sums, and a
    random model's logits nearly tie: only from here on are two answers the same bit for bit."""
    engine = LlamaEngine(model, OPTIONS)
    try:
        return await answer(engine, prompt, **request)
    finally:
        engine.close()


async def wait_until_idle(engine: LlamaEngine) -> None:
    for _ in range(500):
        if not engine.counts().active and not engine.counts().queued:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a slot stays busy")


async def wait_until_busy(engine: LlamaEngine) -> None:
    for _ in range(500):
        if engine.counts().active:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("no answer begins")


async def read_to_end(generation: LlamaGeneration) -> str:
    try:
        async for event in generation:
            if isinstance(event, GenerationEnded):
                return event.reason
    except EngineError:
        return "error"
    return "nothing"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.gguf", TINY)


@pytest.fixture(scope="session")
def shared_engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(tiny_model, OPTIONS)
    yield engine
    engine.close()


@pytest.fixture
def engine(shared_engine: LlamaEngine) -> LlamaEngine:
    """Shared by tests that do not mind what its cache holds."""
    return shared_engine


@pytest.fixture(params=["tiny", "demo"])
def any_model(request: pytest.FixtureRequest, tiny_model: Path) -> Path:
    """The random model, and the demo model where it has been made."""
    if request.param == "tiny":
        return tiny_model
    demo = paths.demo_model_gguf()
    if not demo.is_file():
        pytest.skip("the demo model has not been made")
    return demo
