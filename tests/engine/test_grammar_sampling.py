"""A grammar over what is sampled, on a model that talks nonsense."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationRequest, Grammar, Sampling
from shammah_tui.errors import RequestError

from .conftest import answer, fresh_answer

CALL = r"""
root ::= "<tool_call>\n" object "\n</tool_call>"
object ::= "{\"name\": \"" ("read" | "glob") "\", \"arguments\": {\"path\": " text ", \"line\": " number "}}"
text ::= "\"" [a-z/.]{1,12} "\""
number ::= [1-9] [0-9]{0,2}
"""
WILD = Sampling(temperature=1.2, top_k=0, top_p=1.0, seed=3)


def parse_call(text: str) -> dict[str, object]:
    _, inner = text.split("<tool_call>\n")
    call, after = inner.split("\n</tool_call>")
    assert after == ""
    parsed: dict[str, object] = json.loads(call)
    return parsed


@pytest.mark.parametrize("seed", range(5))
async def test_a_grammar_from_the_start_makes_nonsense_valid(engine: LlamaEngine, seed: int) -> None:
    sampling = Sampling(temperature=1.2, top_k=0, top_p=1.0, seed=seed)
    whole = await answer(engine, "call", max_tokens=200, grammar=Grammar(CALL), sampling=sampling)
    assert whole.end.reason == "stop"
    assert parse_call(whole.text)["name"] in ("read", "glob")


@pytest.mark.parametrize("trigger", ["<tool_call>", "two words", "\x01"])
async def test_a_grammar_sleeps_until_its_trigger_and_holds_from_there(tiny_model: Path, trigger: str) -> None:
    """A plain answer is asked for first, to learn a text that this model does say; that text is the trigger."""
    plain = (await fresh_answer(tiny_model, f"wake {trigger}", max_tokens=120)).text
    found = re.search(r" w\d+(?= w)", plain)  # it ends where a token does
    assert found is not None
    said = found[0]
    at = plain.index(said)
    gbnf = f"root ::= {json.dumps(said)} [0-9]{{3}} {json.dumps(' end')}"
    grammar = Grammar(gbnf, (said, "never said"))
    whole = await fresh_answer(tiny_model, f"wake {trigger}", max_tokens=120, grammar=grammar)
    assert whole.text[: at + len(said)] == plain[: at + len(said)]
    assert whole.text[at + len(said) :].removesuffix(" end").isdigit()
    assert whole.end.reason == "stop"


async def test_a_grammar_that_is_never_triggered_changes_nothing(tiny_model: Path) -> None:
    plain = await fresh_answer(tiny_model, "sleep on", max_tokens=80)
    asleep = await fresh_answer(tiny_model, "sleep on", max_tokens=80, grammar=Grammar(CALL, ("<tool_call>",)))
    assert asleep.text == plain.text


async def test_penalties_and_grammar_go_together(engine: LlamaEngine) -> None:
    sampling = Sampling(temperature=0.8, seed=1, presence_penalty=1.0, repeat_penalty=1.3)
    whole = await answer(engine, "both", max_tokens=200, grammar=Grammar(CALL), sampling=sampling)
    assert parse_call(whole.text)


async def test_the_same_seed_repeats_under_a_grammar(tiny_model: Path) -> None:
    asked: dict[str, object] = {"max_tokens": 200, "grammar": Grammar(CALL), "sampling": WILD}
    texts = {(await fresh_answer(tiny_model, "x", **asked)).text for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("gbnf", ["root ::= (", "", "other ::= [a]", "root ::= root [a]", "root ::= missing"])
def test_a_grammar_that_cannot_be_read_is_refused(engine: LlamaEngine, gbnf: str) -> None:
    with pytest.raises(RequestError):
        engine.generate(GenerationRequest([1], grammar=Grammar(gbnf)))
