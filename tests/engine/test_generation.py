"""What a reader of the engine sees, on real llama.cpp."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from scripts.bench.bare import BareLoop
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationRequest, Sampling
from shammah_tui.engine.slot import common_prefix
from shammah_tui.errors import ContextOverflow, RequestError

from .conftest import OPTIONS, answer, fresh_answer

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


def decoded(engine: LlamaEngine, tokens: list[int]) -> str:
    pieces = engine._native.vocabulary.pieces
    return b"".join(pieces[token] for token in tokens).decode("utf-8", "replace")
