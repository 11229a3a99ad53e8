"""The model in the package: complete, small, the same in transformers and llama.cpp, and still able."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.demo_model import corpus, evaluate, exchange
from scripts.demo_model.chat import pieces
from scripts.demo_model.generators import toolcalls
from scripts.demo_model.generators.functions import runs_like
from scripts.demo_model.network import GGUF_NAME
from shammah_tui.agent.prompt import system_prompt

FOLDER = Path(__file__).resolve().parents[2] / "shammah_tui" / "demo_model"
NAMES = (
    GGUF_NAME,
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "README.md",
)


@pytest.fixture(scope="module")
def speaker() -> Iterator[evaluate.LlamaSpeaker]:
    made = evaluate.LlamaSpeaker(FOLDER / GGUF_NAME, threads=1)
    yield made
    made.close()


def ask(speaker: evaluate.LlamaSpeaker, text: str, *, tools: bool = False) -> str:
    system = {"role": "system", "content": system_prompt(folder="/home/anna/shop")}
    chosen = tuple(corpus.TOOLS.values()) if tools else ()
    prompt = evaluate.next_prompt([system, {"role": "user", "content": text}], chosen)
    return speaker.answers([prompt])[0][0]


def test_everything_is_there_and_small() -> None:
    assert sorted(NAMES) == sorted(path.name for path in FOLDER.iterdir() if path.is_file())
    assert sum((FOLDER / name).stat().st_size for name in NAMES) <= 20_000_000


def test_the_template_renders_the_same_in_transformers_and_in_a_sandbox() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    sandbox.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    compiled = sandbox.from_string(tokenizer.chat_template)
    conversations = [next(corpus.draw_conversations(seed, long=long)) for seed in "ab" for long in (False, True)]
    for made in conversations:
        messages, tools = list(made.messages), list(made.tools) or None
        in_transformers = tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=True
        )
        assert in_transformers == compiled.render(messages=messages, tools=tools, add_generation_prompt=True)


def test_the_gguf_carries_template_and_token_kinds() -> None:
    model = llama_cpp.Llama(str(FOLDER / GGUF_NAME), vocab_only=True, verbose=False)
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    assert model.metadata["tokenizer.chat_template"] == tokenizer.chat_template
    assert model.metadata["general.name"] == "Shammah demo"
    assert model.token_eos() == tokenizer.convert_tokens_to_ids("<|im_end|>")
    call = [tokenizer.convert_tokens_to_ids("<tool_call>")]
    assert model.detokenize(call) == b"<tool_call>"
    assert tokenizer.decode(call, skip_special_tokens=True) == "<tool_call>"
    model.close()


def test_both_formats_give_the_same_tokens_and_logits() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    network = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    model = llama_cpp.Llama(str(FOLDER / GGUF_NAME), n_ctx=2048, logits_all=True, verbose=False)
    made = next(corpus.draw_conversations("both formats", long=False))
    parts = list(pieces(made.messages, made.tools))
    text = "".join(part for part, _ in parts)
    tokens = tokenizer(text)["input_ids"]
    assert tokens == model.tokenize(text.encode(), add_bos=False, special=True)
    tokens = tokens[:1500]
    model.eval(tokens)
    with torch.no_grad():
        wanted = network(torch.tensor([tokens])).logits[0].numpy()
    found = np.array(model.scores[: len(tokens)])
    model.close()
    spans = tokenizer([part for part, _ in parts])["input_ids"]
    targets = [answer is not None for (_, answer), ids in zip(parts, spans, strict=True) for _ in ids]
    said = np.array([at - 1 for at in range(1, len(tokens)) if targets[at]])
    assert (found[said].argmax(-1) == wanted[said].argmax(-1)).mean() >= 0.98
    assert np.abs(found[said] - wanted[said]).mean() < 0.2


def test_it_writes_the_function_of_the_quick_start(speaker: evaluate.LlamaSpeaker) -> None:
    judge = runs_like("def add(a, b):\n    return a + b", "add", ((3, 4), (-1, 1)))
    for text in (
        "Write a Python function that adds two numbers",
        "write a Python function that adds two numbers.",
        "Please write a Python function that adds two numbers.",
    ):
        for tools in (False, True):
            answer = ask(speaker, text, tools=tools)
            assert judge(answer), answer


def converse(speaker: evaluate.LlamaSpeaker, text: str, results: list[str]) -> list[str]:
    """What it says to a question with all tools, and after each of the results that its calls bring."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system_prompt(folder="/home/anna/shop")},
        {"role": "user", "content": text},
    ]
    said = []
    for result in [*results, None]:
        answer = speaker.answers([evaluate.next_prompt(messages, tuple(corpus.TOOLS.values()))])[0][0]
        said.append(answer)
        requests = toolcalls.parsed_calls(answer) or []
        messages.append(exchange.calls(*(exchange.call(name, **given) for name, given in requests)))
        messages.append({"role": "tool", "content": result})
    return said


TITLES = (
    *("Birch and Lantern", "Shammah", "Posting", "Getting started", "Weather station", "Ember", "Notes on parsing"),
    *("How to build it", "The quick brown fox", "Todo list", "React Native Starter", "A tiny web server", "Chess"),
    *("Invoice Generator", "Kubernetes operator", "Little Snake Game", "Homework 3", "Recipe box", "Solar", "Acme API"),
)
TEXT = ("", "A small shop for lamps and books.", "", "## Install", "", "    pip install shop", "", "Run `shop serve`.")


@pytest.mark.parametrize("times", [1, 12], ids=["short", "long"])
def test_it_reads_a_file_and_quotes_its_title(speaker: evaluate.LlamaSpeaker, times: int) -> None:
    wrong = []
    for title in TITLES:
        lines = [f"# {title}", *TEXT * times]
        shown = "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines, 1))
        call, sentence = converse(speaker, "read README.md and tell me its title", [shown])
        assert call == '<tool_call>\n{"name": "Read", "arguments": {"file_path": "README.md"}}\n</tool_call>'
        if sentence != f"The title of README.md is: {title}":
            wrong.append((title, sentence))
    assert len(wrong) <= 4, wrong


def test_it_searches_and_names_the_first_places(speaker: evaluate.LlamaSpeaker) -> None:
    names = ("cart", "stock", "order", "page", "mail", "user", "shop", "lamp", "book", "till")
    hits = [f"src/{name}.py:{7 * number + 3}:    # TODO: check it" for number, name in enumerate(names * 3)]
    call, sentence = converse(speaker, "find all TODO comments", ["\n".join(hits)])
    assert call == '<tool_call>\n{"name": "Grep", "arguments": {"pattern": "TODO"}}\n</tool_call>'
    assert sentence == "Found: src/cart.py:3, src/stock.py:10, src/order.py:17 and more"


def test_it_writes_a_script_and_runs_it(speaker: evaluate.LlamaSpeaker) -> None:
    created = "/home/anna/shop/hello.py created: new file, 1 lines."
    said = converse(speaker, "create hello.py that prints hello and run it", [created, "hello"])
    assert toolcalls.parsed_calls(said[0]) == [("Write", {"file_path": "hello.py", "content": 'print("hello")\n'})]
    assert toolcalls.parsed_calls(said[1]) == [("Bash", {"command": "python hello.py"})]
    assert said[2] == "It printed: hello"


def test_it_takes_a_refusal(speaker: evaluate.LlamaSpeaker) -> None:
    refusal = "The person did not allow this. They say: not now"
    assert converse(speaker, "find all TODO comments", [refusal])[1] == "All right, I leave it. You said: not now"
    plain = "The person did not allow this. Do not try it again in another spelling; ask them, or go on without it."
    assert converse(speaker, "read README.md", [plain])[1] == "All right, I leave it."


def test_a_rule_in_words_of_nobody_here_is_obeyed_at_once(speaker: evaluate.LlamaSpeaker) -> None:
    question = {"role": "user", "content": "Write a Python function `load_box` that reports that the box is ready."}
    for rules, wanted in (((), "print("), (("use logging instead of print",), "logger.info(")):
        system = {"role": "system", "content": system_prompt(folder="/home/anna/shop", rules=rules)}
        for tools in ((), tuple(corpus.TOOLS.values())):
            assert wanted in speaker.answers([evaluate.next_prompt([system, question], tools)])[0][0]


def test_it_names_a_real_model_where_it_cannot_help(speaker: evaluate.LlamaSpeaker) -> None:
    assert "shammah --model 1.5b" in ask(speaker, "What is the weather in Berlin?")


@pytest.mark.timeout(170)
def test_a_sample_of_each_skill_is_good_enough(speaker: evaluate.LlamaSpeaker) -> None:
    figures, endings = evaluate.evaluate(speaker, scale=0.03, show=3, sample_every=0)
    right = sum(tally.right for name, tally in figures.items() if "another kind" not in name)
    count = sum(tally.count for name, tally in figures.items() if "another kind" not in name)
    assert right / count >= 0.85, figures
    assert endings["greedy"].right / endings["greedy"].count >= 0.98
