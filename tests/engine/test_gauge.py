"""The first tokens of an answer are measured rightly, without changing the answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import Llama

from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationEnded, GenerationRequest, Sampling
from tests.engine.conftest import OPTIONS, answer

PROMPT = "Once upon a time"
GREEDY = Sampling(temperature=0)


async def ended(engine: LlamaEngine, **request: object) -> GenerationEnded:
    found = engine.generate(GenerationRequest(engine.tokenize(PROMPT), **request))  # type: ignore[arg-type]
    (end,) = [event async for event in found if isinstance(event, GenerationEnded)]
    return end


async def test_what_is_measured_is_what_llama_cpp_itself_computes(tiny_model: Path) -> None:
    engine = LlamaEngine(tiny_model, OPTIONS)
    try:
        prompt = engine.tokenize(PROMPT)
        measured = (await ended(engine, max_tokens=6, sampling=GREEDY, certainty_tokens=6)).certainty
    finally:
        engine.close()
    llama = Llama(str(tiny_model), n_ctx=256, logits_all=True, verbose=False)
    try:
        llama.eval(prompt)
        for found in measured:
            logits = np.asarray(llama.scores[llama.n_tokens - 1], np.float64)
            logprobs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            token = int(logits.argmax())
            # Batches of other shapes are summed in another order.
            assert found.logprob == pytest.approx(logprobs[token], abs=0.05)
            assert found.entropy == pytest.approx(-(np.exp(logprobs) * logprobs).sum(), abs=0.05)
            llama.eval([token])
    finally:
        llama.close()


async def test_measuring_changes_no_answer_and_ends_after_so_many_tokens(engine: LlamaEngine) -> None:
    request = {"max_tokens": 30, "sampling": Sampling(seed=3)}
    plain = await answer(engine, PROMPT, **request)
    measured = await answer(engine, PROMPT, **request, certainty_tokens=10)
    assert measured.text == plain.text
    assert len((await ended(engine, **request, certainty_tokens=10)).certainty) == 10
    assert (await ended(engine, **request)).certainty == ()


async def test_temperature_does_not_change_what_is_measured(engine: LlamaEngine) -> None:
    cold = (await ended(engine, max_tokens=1, sampling=GREEDY, certainty_tokens=1)).certainty[0]
    hot = (await ended(engine, max_tokens=1, sampling=Sampling(temperature=2, seed=1), certainty_tokens=1)).certainty[0]
    assert hot.entropy == pytest.approx(cold.entropy, abs=1e-3)
    assert 0 <= cold.entropy <= math.log(engine.model.vocabulary)
    assert cold.logprob >= -cold.entropy
