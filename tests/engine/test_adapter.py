"""Adapters beside a loaded model: swapped between answers, several at once, and never mixed in the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.bench.random_adapter import write_adapter
from scripts.bench.random_model import TINY, write_model
from shammah_tui import paths
from shammah_tui.engine import adapter as shelf
from shammah_tui.engine import scheduler
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import AdapterUse, GenerationRequest, LoadOptions
from shammah_tui.errors import EngineError, ModelError

from .conftest import GREEDY, Whole, answer, wait_until_busy

OPTIONS = LoadOptions(context_tokens=2048, slots=4, device="cpu")
PROMPT = (
    "<|im_start|>system\nYou are Shammah.<|im_end|>\n<|im_start|>user\n"
    "Write a Python function that adds two numbers.<|im_end|>\n<|im_start|>assistant\n"
)
A, B = AdapterUse("a"), AdapterUse("b")
SURE: dict[str, object] = {"max_tokens": 60, "certainty_tokens": 60}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters of the demo model, just strong enough that all three say something else: the stronger they are, the
    more the last digits of a sum, which depend on what else is in a batch, decide what comes next."""
    folder = tmp_path_factory.mktemp("adapters")
    model = paths.demo_model_gguf()
    for strength in (0.06, 0.08, 0.1, 0.12, 0.15, 0.2):
        made = {
            name: write_adapter(folder / f"{name}{strength}.gguf", model, strength=strength, seed=seed)
            for name, seed in (("a", 1), ("b", 2))
        }
        if len({asyncio.run(alone(made, use)).text for use in (None, A, B)}) == 3:
            return made
    raise AssertionError("no adapter changes what the demo model says")


def opened(adapters: dict[str, Path], options: LoadOptions = OPTIONS) -> LlamaEngine:
    engine = LlamaEngine(paths.demo_model_gguf(), options)
    for name, path in adapters.items():
        engine.load_adapter(path, name)
    return engine


@pytest.fixture(scope="module")
def shared(adapters: dict[str, Path]) -> Iterator[LlamaEngine]:
    engine = opened(adapters)
    yield engine
    engine.close()


async def alone(adapters: dict[str, Path], use: AdapterUse | None, prompt: str = PROMPT, **request: object) -> Whole:
    """The answer of an engine that has done nothing else."""
    engine = opened(adapters)
    try:
        return await answer(engine, prompt, adapter=use, **request)
    finally:
        engine.close()


def assert_same_course(whole: Whole, expected: Whole) -> None:
    """Both drew the same tokens about as surely, up to a tie: beside others the sums are made in another order, and a
    random adapter multiplies their last digits (to 0.3 where it was measured; another adapter is off by whole nats)."""
    for one, other in zip(whole.end.certainty, expected.end.certainty, strict=False):
        assert one.logprob == pytest.approx(other.logprob, abs=0.5)
        if one.piece != other.piece:
            return
    assert whole.text == expected.text


async def test_each_adapter_answers_for_itself_and_the_base_is_as_before(adapters: dict[str, Path]) -> None:
    expected = {use: await alone(adapters, use, PROMPT, **SURE) for use in (None, A, B)}
    assert len({whole.text for whole in expected.values()}) == 3
    engine = opened(adapters)
    try:
        for use in (None, A, B, A, None, B):
            assert_same_course(await answer(engine, PROMPT, adapter=use, **SURE), expected[use])
    finally:
        engine.close()


async def test_keys_and_values_of_another_adapter_or_scale_are_never_used(shared: LlamaEngine) -> None:
    uses = [None, A, replace(A, scale=0.5), B]
    first = [await answer(shared, PROMPT + "cache", adapter=use, session="one", **SURE) for use in uses]
    assert [whole.end.usage.cached_tokens for whole in first][1:] == [0, 0, 0]
    again = [await answer(shared, PROMPT + "cache", adapter=use, session="one", **SURE) for use in uses]
    assert all(whole.end.usage.cached_tokens > 20 for whole in again)
    for one, other in zip(again, first, strict=True):
        assert_same_course(one, other)


async def test_a_slot_taken_over_from_another_adapter_starts_empty(adapters: dict[str, Path]) -> None:
    engine = opened(adapters, replace(OPTIONS, slots=1))
    try:
        await answer(engine, PROMPT)
        taken = await answer(engine, PROMPT, adapter=A, **SURE)
        assert taken.end.usage.cached_tokens == 0
        assert_same_course(taken, await alone(adapters, A, PROMPT, **SURE))
    finally:
        engine.close()


async def test_a_saved_session_comes_back_only_for_its_adapter(adapters: dict[str, Path], tmp_path: Path) -> None:
    options = replace(OPTIONS, session_folder=tmp_path)
    prompt = PROMPT * 4
    engine = opened(adapters, options)
    said = await answer(engine, prompt, adapter=A, session="mine", **SURE)
    engine.close()
    for use, restored in ((None, False), (B, False), (replace(A, scale=0.9), False), (A, True)):
        engine = opened(adapters, options)
        try:
            whole = await answer(engine, prompt, adapter=use, session="mine", **SURE)
        finally:
            engine.close()
        assert (whole.end.usage.cached_tokens > 64) is restored
        if restored:
            assert_same_course(whole, said)


async def test_answers_of_several_adapters_at_once_are_what_each_says_alone(
    adapters: dict[str, Path], shared: LlamaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TURN_SECONDS", 0.001)
    uses = [None, A, B, replace(A, scale=0.5)] * 2
    expected = {use: await alone(adapters, use, PROMPT, **SURE) for use in uses}
    asked = [answer(shared, PROMPT, adapter=use, **SURE) for use in uses]
    for use, whole in zip(uses, await asyncio.gather(*asked), strict=True):
        assert_same_course(whole, expected[use])


async def test_an_answer_in_flight_ends_on_the_adapter_it_began_with(
    adapters: dict[str, Path], shared: LlamaEngine
) -> None:
    expected = await alone(adapters, A, PROMPT, **SURE)
    began = asyncio.create_task(answer(shared, PROMPT, adapter=A, **SURE))
    await wait_until_busy(shared)
    others = [asyncio.create_task(answer(shared, PROMPT, adapter=use)) for use in (B, None)]
    assert_same_course(await began, expected)
    assert all(whole.text for whole in await asyncio.gather(*others))


async def test_a_long_answer_keeps_no_other_adapter_waiting(tmp_path: Path) -> None:
    # Room for more than a fast processor says meanwhile.
    model = write_model(tmp_path / "roomy.gguf", replace(TINY, context=65536))
    engine = LlamaEngine(model, replace(OPTIONS, context_tokens=65536, slots=4))
    # Whether random weights end an answer by themselves differs from processor to processor.
    engine._native.vocabulary.ends = frozenset()
    path = write_adapter(tmp_path / "adapter.gguf", model)
    engine.load_adapter(path, "a")
    long = engine.generate(GenerationRequest([1, 2, 3], sampling=GREEDY))
    try:
        await wait_until_busy(engine)
        assert (await asyncio.wait_for(answer(engine, [4, 5, 6], adapter=A, max_tokens=400), 20)).text
        assert engine.counts().active == 1
    finally:
        long.cancel()
        engine.close()


async def test_an_adapter_of_another_shape_or_a_damaged_one_is_refused_in_words(
    adapters: dict[str, Path], shared: LlamaEngine, tmp_path: Path
) -> None:
    other = write_adapter(tmp_path / "other" / "adapter.gguf", write_model(tmp_path / "tiny.gguf", TINY))
    whole = adapters["a"].read_bytes()
    cut, garbage = tmp_path / "cut" / "adapter.gguf", tmp_path / "garbage" / "adapter.gguf"
    for path, data in ((cut, whole[: len(whole) // 2]), (garbage, b"\xff" * 5000)):
        path.parent.mkdir()
        path.write_bytes(data)
    for path in (other, cut, garbage, tmp_path / "nowhere" / "adapter.gguf", paths.demo_model_gguf()):
        with pytest.raises(ModelError, match=path.parent.name) as refused:
            shared.load_adapter(path, path.parent.name)
        assert refused.value.hint
    assert (await answer(shared, PROMPT, adapter=A)).text


async def test_an_adapter_that_is_not_loaded_fails_its_answer_and_no_other(shared: LlamaEngine) -> None:
    with pytest.raises(EngineError, match="adapter"):
        await answer(shared, PROMPT, adapter=AdapterUse("unknown"))
    assert (await answer(shared, PROMPT, adapter=A)).text


async def test_the_adapter_that_was_asked_for_longest_ago_is_let_go(adapters: dict[str, Path]) -> None:
    engine = opened({})
    try:
        for number in range(shelf.KEPT + 1):
            engine.load_adapter(adapters["a"], str(number))
        assert (await answer(engine, PROMPT, adapter=AdapterUse("1"))).text
        with pytest.raises(EngineError):
            await answer(engine, PROMPT, adapter=AdapterUse("0"))
        engine.load_adapter(adapters["a"], "0")
        assert (await answer(engine, PROMPT, adapter=AdapterUse("0"))).text
    finally:
        engine.close()
