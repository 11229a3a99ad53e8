"""What a reader of the engine sees, on real llama.cpp."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.bench.bare import BareLoop
from shammah_tui.engine.generation import LlamaGeneration
from shammah_tui.engine.library import native
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationEnded, GenerationRequest, LoadOptions, Sampling, TextGenerated
from shammah_tui.engine.slot import common_prefix
from shammah_tui.errors import ContextOverflow, EngineBusy, EngineError, RequestError

from .conftest import GREEDY, OPTIONS, answer, fresh_answer

QUESTIONS = [
    "What is Shammah?",
    "Where is the config file?",
    "How do I rate an answer?",
    "Write a Python function that adds two numbers",
    "Write a Python function that multiplies two numbers",
    "Write a Python function that reverses a string",
    "Which command checks what is installed?",
    "How do I leave the program?",
]
PROMPTS = [f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n" for question in QUESTIONS]


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


async def test_greedy_text_equals_the_bare_loop_token_for_token(any_model: Path) -> None:
    engine = LlamaEngine(any_model, OPTIONS)
    bare = BareLoop(any_model, OPTIONS)
    try:
        for prompt in PROMPTS[:3]:
            expected, _ = bare.run(engine.tokenize(prompt), 60)
            whole = await answer(engine, prompt, max_tokens=60)
            assert whole.text == decoded(engine, expected)
            assert whole.end.usage.completion_tokens == len(expected)
    finally:
        engine.close()
        bare.close()


async def test_eight_streams_at_once_say_what_each_says_alone(any_model: Path) -> None:
    engine = LlamaEngine(any_model, OPTIONS)
    try:
        alone = [(await answer(engine, prompt)).text for prompt in PROMPTS]
        together = await asyncio.gather(*(answer(engine, prompt) for prompt in PROMPTS))
    finally:
        engine.close()
    # A batch of eight sums in another order than a batch of one: where two logits nearly tie, as they often do in a
    # random model and now and then in the demo model, a stream may take the other and go its own way from there.
    pairs = [(whole.text, text) for whole, text in zip(together, alone, strict=True)]
    agreed = sum(common_prefix(whole.encode(), text.encode()) for whole, text in pairs) / sum(
        len(text.encode()) for text in alone
    )
    assert agreed > (0.8 if any_model.name.startswith("shammah") else 0.5)


async def test_tokens_of_all_pieces_add_up_to_the_usage(engine: LlamaEngine) -> None:
    whole = await answer(engine, "count with me", max_tokens=40)
    assert whole.end.reason == "length"
    assert whole.end.usage.completion_tokens == 40
    assert sum(piece.tokens for piece in whole.pieces) <= 40
    assert "".join(piece.text for piece in whole.pieces) == whole.text


async def test_the_same_seed_gives_the_same_text_and_another_seed_another(tiny_model: Path) -> None:
    texts = [
        (
            await fresh_answer(tiny_model, "a seed", sampling=Sampling(temperature=1.5, top_k=0, top_p=1.0, seed=seed))
        ).text
        for seed in (7, 7, 8)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_a_penalty_changes_what_repeats(engine: LlamaEngine) -> None:
    plain = await answer(engine, "again again again", max_tokens=60)
    punished = await answer(
        engine, "again again again", max_tokens=60, sampling=Sampling(temperature=0, presence_penalty=50.0)
    )
    assert len(set(punished.text.split())) > len(set(plain.text.split()))


async def test_a_stop_string_across_tokens_ends_the_answer_before_it(tiny_model: Path) -> None:
    text = (await fresh_answer(tiny_model, "stop here", max_tokens=60)).text
    stop = text[20:26]
    whole = await fresh_answer(tiny_model, "stop here", max_tokens=60, stop=(stop, "never this"))
    assert whole.end.reason == "stop"
    assert whole.text == text[: text.index(stop)]
    assert whole.end.usage.completion_tokens < 60


async def test_the_second_turn_reads_only_what_is_new(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        first = engine.tokenize("a long beginning " * 20)
        whole = await answer(engine, first, max_tokens=10)
        assert whole.end.usage.cached_tokens == 0
        again = await answer(engine, [*first, *engine.tokenize(" and more")], max_tokens=5)
        assert again.end.usage.cached_tokens == len(first)
    finally:
        engine.close()


async def test_a_common_beginning_is_shared_between_conversations(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        system = engine.tokenize("you are a system prompt " * 10)
        one, two = ([*system, *engine.tokenize(text * 30)] for text in (" first", " second"))
        alone = await answer(engine, two, session="alone")
        engine.close()
        engine = LlamaEngine(tiny_model, OPTIONS)
        await answer(engine, one, session="one")
        shared = await answer(engine, two, session="two")
        assert shared.end.usage.cached_tokens >= len(system)
        assert shared.text == alone.text
        back = await answer(engine, one, session="one")
        assert back.end.usage.cached_tokens == len(one) - 1
    finally:
        engine.close()


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


async def test_a_prompt_longer_than_the_context_is_refused_at_once(engine: LlamaEngine) -> None:
    with pytest.raises(ContextOverflow) as refused:
        engine.generate(GenerationRequest([1] * 1024))
    assert (refused.value.prompt_tokens, refused.value.context_tokens) == (1024, 1024)


async def test_a_full_context_ends_the_answer_by_its_length(engine: LlamaEngine) -> None:
    whole = await answer(engine, [5] * 1000, max_tokens=None)
    assert whole.end.reason == "length"
    assert whole.end.usage.completion_tokens == 24


async def test_streams_that_fill_the_context_together_all_end(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        wholes = await asyncio.gather(*(answer(engine, f"fill {n}", max_tokens=None) for n in range(4)))
        assert {whole.end.reason for whole in wholes} == {"length"}
        assert sum(whole.end.usage.completion_tokens for whole in wholes) > 900
    finally:
        engine.close()


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


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest([]),
        GenerationRequest([-1]),
        GenerationRequest([10**6]),
        GenerationRequest([1], max_tokens=0),
        GenerationRequest([1], sampling=Sampling(temperature=float("nan"))),
        GenerationRequest([1], sampling=Sampling(repeat_penalty=0.0)),
        GenerationRequest([1], sampling=Sampling(top_k=-1)),
    ],
)
def test_a_request_that_means_nothing_is_refused(engine: LlamaEngine, request_: GenerationRequest) -> None:
    with pytest.raises(RequestError):
        engine.generate(request_)


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


async def read_to_end(generation: LlamaGeneration) -> str:
    try:
        async for event in generation:
            if isinstance(event, GenerationEnded):
                return event.reason
    except EngineError:
        return "error"
    return "nothing"


def decoded(engine: LlamaEngine, tokens: list[int]) -> str:
    pieces = engine._native.vocabulary.pieces
    return b"".join(pieces[token] for token in tokens).decode("utf-8", "replace")
