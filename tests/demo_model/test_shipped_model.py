"""The model in the package: complete, small, the same in transformers and llama.cpp, and still able."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.demo_model import corpus, evaluate
from scripts.demo_model.chat import pieces
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
    made = evaluate.LlamaSpeaker(FOLDER / GGUF_NAME)
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
    _, targets = corpus.encoded(tokenizer.backend_tokenizer, made)
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


def test_it_reads_quotes_and_accepts_a_denial(speaker: evaluate.LlamaSpeaker) -> None:
    call = ask(speaker, "read README.md and tell me its title", tools=True)
    assert call == '<tool_call>\n{"name": "Read", "arguments": {"file_path": "README.md"}}\n</tool_call>'


def test_it_names_a_real_model_where_it_cannot_help(speaker: evaluate.LlamaSpeaker) -> None:
    assert "shammah --model 1.5b" in ask(speaker, "What is the weather in Berlin?")


@pytest.mark.timeout(170)
def test_a_sample_of_each_skill_is_good_enough(speaker: evaluate.LlamaSpeaker) -> None:
    figures, endings = evaluate.evaluate(speaker, scale=0.05, show=3, sample_every=0)
    right = sum(tally.right for name, tally in figures.items() if "another kind" not in name)
    count = sum(tally.count for name, tally in figures.items() if "another kind" not in name)
    assert right / count >= 0.85, figures
    assert endings["greedy"].right / endings["greedy"].count >= 0.98
