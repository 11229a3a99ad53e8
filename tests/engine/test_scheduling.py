"""Many requests at once, readers that leave, failures: what the scheduler makes of them."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from shammah_tui.engine.generation import LlamaGeneration
from shammah_tui.engine.library import native
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationRequest, LoadOptions, TextGenerated
from shammah_tui.errors import EngineBusy, EngineError

from .conftest import GREEDY, OPTIONS, answer, read_to_end, wait_until_busy, wait_until_idle


async def test_cancelling_stops_within_a_token_and_frees_the_slot(engine: LlamaEngine) -> None:
    generation = engine.generate(GenerationRequest(engine.tokenize("go on"), sampling=GREEDY))
    seen = 0
    async for event in generation:
        if isinstance(event, TextGenerated):
            seen += event.tokens
            generation.cancel()
            generation.cancel()
        else:
            assert event.reason == "cancelled"
            assert event.usage.completion_tokens <= seen + 60  # what one time slice may hold of so small a model
    await wait_until_idle(engine)


async def test_leaving_the_iteration_early_cancels(engine: LlamaEngine) -> None:
    async for _ in engine.generate(GenerationRequest(engine.tokenize("leave me"), sampling=GREEDY)):
        break
    gc.collect()
    await wait_until_idle(engine)


async def test_an_answer_that_nobody_reads_is_cancelled(engine: LlamaEngine) -> None:
    engine.generate(GenerationRequest(engine.tokenize("unread"), sampling=GREEDY))
    gc.collect()
    await wait_until_idle(engine)


def test_a_reader_whose_event_loop_is_gone_counts_as_having_left(engine: LlamaEngine) -> None:
    async def read_one() -> None:
        generation = engine.generate(GenerationRequest(engine.tokenize("gone"), sampling=GREEDY))
        events = aiter(generation)
        await anext(events)
        kept.append(events)

    kept: list[object] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(read_one())
    loop.close()
    kept.clear()
    gc.collect()
    asyncio.run(wait_until_idle(engine))


def test_several_event_loops_in_several_threads_are_answered(engine: LlamaEngine) -> None:
    texts: dict[int, str] = {}

    def ask(number: int) -> None:
        texts[number] = asyncio.run(answer(engine, f"thread {number}")).text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(texts) == [0, 1, 2, 3]
    assert all(texts.values())


async def test_a_full_line_says_busy_and_when_to_come_back(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, LoadOptions(context_tokens=1024, slots=2, device="cpu"))
    try:
        waiting: list[LlamaGeneration] = []

        def flood() -> None:
            for _ in range(200):
                waiting.append(engine.generate(GenerationRequest([1, 2, 3], max_tokens=400)))

        with pytest.raises(EngineBusy) as busy:
            flood()
        assert busy.value.retry_after_seconds >= 1
        assert 16 <= len(waiting) <= 18 + 20
        assert [await read_to_end(one) for one in waiting] == ["length"] * len(waiting)
    finally:
        engine.close()


async def test_an_answer_goes_on_while_a_long_prompt_is_read(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, LoadOptions(context_tokens=2048, device="cpu", batch_tokens=16))
    try:
        running = asyncio.create_task(answer(engine, [7] * 20, max_tokens=300))
        await wait_until_busy(engine)
        # Sixteen tokens a batch, one of them the other answer's: it gets one for each batch that the prompt takes.
        long = await answer(engine, [*range(3, 250)] * 5, max_tokens=1)
        assert long.end.usage.completion_tokens == 1
        whole = await running
        assert whole.end.usage.completion_tokens == 300
        assert len(whole.pieces) > 40
    finally:
        engine.close()


async def test_requests_are_begun_in_the_order_they_came(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, LoadOptions(context_tokens=1024, device="cpu", slots=1))
    ended: list[int] = []

    async def ask(number: int, prompt: list[int]) -> None:
        await answer(engine, prompt, max_tokens=20)
        ended.append(number)

    try:
        prompts = [[9] * (900 if number == 2 else 5) for number in range(6)]
        await asyncio.gather(*(ask(number, prompt) for number, prompt in enumerate(prompts)))
        assert ended == [0, 1, 2, 3, 4, 5]
    finally:
        engine.close()


async def test_after_a_storm_of_requests_that_come_and_go_all_slots_are_free(tiny_model: Path, tmp_path: Path) -> None:
    options = LoadOptions(context_tokens=512, device="cpu", slots=4, batch_tokens=32, session_folder=tmp_path)
    engine = LlamaEngine(tiny_model, options)
    chance = random.Random(4)

    async def visit() -> None:
        await asyncio.sleep(chance.random() * 0.5)
        prompt = [11] * chance.randrange(100) + [chance.randrange(256) for _ in range(chance.randrange(1, 100))]
        request = GenerationRequest(prompt, max_tokens=chance.randrange(1, 60), session=chance.choice("ab "))
        with suppress(EngineBusy):
            generation = engine.generate(request)
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.05)
                generation.cancel()
            assert await read_to_end(generation) != "nothing"

    try:
        await asyncio.gather(*(visit() for _ in range(120)))
        await wait_until_idle(engine)
        assert (await answer(engine, "calm again")).end.usage.completion_tokens == 24
    finally:
        engine.close()


async def test_cancelling_while_the_prompt_is_read_leaves_the_engine_well(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, LoadOptions(context_tokens=2048, device="cpu"))
    try:
        for wait in (0, 0.001, 0.005, 0.02):
            generation = engine.generate(GenerationRequest(list(range(250)) * 8, sampling=GREEDY, max_tokens=5))
            await asyncio.sleep(wait)
            generation.cancel()
            assert await read_to_end(generation) in ("cancelled", "length")
        assert (await answer(engine, "and now?")).end.usage.completion_tokens == 24
    finally:
        engine.close()


@pytest.mark.parametrize("status", [-1, -3])
async def test_a_failing_batch_ends_its_answers_and_the_engine_lives(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(native, "llama_decode", lambda _context, _batch: status)
            with pytest.raises(EngineError):
                await answer(engine, "this fails")
        assert (await answer(engine, "this works")).text
    finally:
        engine.close()


async def test_a_cache_without_room_takes_from_idle_slots_first(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        for n in range(6):
            assert (await answer(engine, [n + 1] * 300, session=f"s{n}")).end.usage.completion_tokens == 24
        assert engine.counts().active == 0
    finally:
        engine.close()


async def test_counts_add_up(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        await answer(engine, [5] * 40)
        await answer(engine, [5] * 40)
        counts = engine.counts()
    finally:
        engine.close()
    assert (counts.requests_total, counts.prompt_tokens_total, counts.cached_tokens_total) == (2, 80, 39)
    assert (counts.generated_tokens_total, counts.active, counts.queued) == (48, 0, 0)


async def test_closing_while_answers_run_ends_them_and_frees_the_model(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    running = [engine.generate(GenerationRequest([n + 1] * 5)) for n in range(12)]
    reading = [asyncio.create_task(read_to_end(one)) for one in running]
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    await asyncio.to_thread(engine.close)
    engine.close()
    assert time.perf_counter() - began < 5
    assert set(await asyncio.gather(*reading)) <= {"cancelled", "length", "error"}
    with pytest.raises(EngineError):
        engine.generate(GenerationRequest([1]))
    with pytest.raises(EngineError):
        engine.tokenize("too late")
