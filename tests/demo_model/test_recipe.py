"""The recipe: what the generators draw, how a conversation becomes tokens, and a whole small training."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import llama_cpp
import pytest
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.demo_model import chat, corpus, forward, packing
from scripts.demo_model.export import export
from scripts.demo_model.generators import functions, habits, toolcalls
from scripts.demo_model.network import GGUF_NAME
from scripts.demo_model.train import Recipe, train
from scripts.demo_model.vocabulary import WORDS, Draw, is_heldout

SHIPPED = Path(__file__).resolve().parents[2] / "shammah_tui" / "demo_model"


def test_training_never_draws_a_heldout_name() -> None:
    draw, test_draw = Draw(random.Random(1)), Draw(random.Random(2), heldout=True)
    assert not any(is_heldout(draw.word()) for _ in range(2000))
    assert all(is_heldout(test_draw.word()) for _ in range(200))
    assert sum(map(is_heldout, WORDS)) > 20


def test_the_same_seed_gives_the_same_conversations() -> None:
    first = corpus.draw_conversations("a seed", long=True)
    second = corpus.draw_conversations("a seed", long=True)
    assert [next(first).messages for _ in range(5)] == [next(second).messages for _ in range(5)]


@pytest.mark.parametrize("name", sorted(habits.habits))
def test_a_habit_and_its_rule_are_told_apart(name: str) -> None:
    habit = habits.habits[name]
    rng = random.Random(name)
    for _ in range(60):
        _, old, new = habit.rewrite(rng)
        assert habit.keeps_habit(old), old
        assert not habit.follows_rule(old)
        assert habit.follows_rule(new), new
        assert not habit.keeps_habit(new)


@pytest.mark.parametrize("name", sorted(habits.habits))
def test_a_near_case_is_the_same_with_and_without_the_rule(name: str) -> None:
    habit = habits.habits[name]
    for seed in range(40):
        without = habit.near(Draw(random.Random(seed)), frozenset())
        assert habit.near(Draw(random.Random(seed)), frozenset((name,))) == without


def test_the_reference_functions_run() -> None:
    assert len(functions.KINDS) >= 40
    for kind in functions.KINDS:
        made = functions.Made(kind, kind.name, kind.says[0], 3, "word", kind.parameters)
        answer = f"```python\n{made.python(frozenset())}\n```"
        assert functions.runs_like(made.python(frozenset({"hints"})), kind.name, kind.examples)(answer), kind.name


def test_a_wrong_or_endless_function_fails() -> None:
    judge = functions.runs_like("def add(a, b):\n    return a + b", "add", ((3, 4),))
    assert not judge("```python\ndef add(a, b):\n    return a - b\n```")
    assert not judge("```python\ndef add(a, b):\n    while True:\n        pass\n```")
    assert not judge("I cannot.")


def test_the_renderer_and_the_template_agree() -> None:
    template = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template.filters["tojson"] = lambda value: __import__("json").dumps(value, ensure_ascii=False)
    compiled = template.from_string(chat.TEMPLATE)
    for seed in ("one", "two", "three"):
        for long in (False, True):
            made = next(corpus.draw_conversations(seed, long=long))
            text = "".join(part for part, _ in chat.pieces(made.messages, made.tools))
            rendered = compiled.render(messages=made.messages, tools=made.tools, add_generation_prompt=False)
            assert rendered == text + "\n"


def test_tokens_of_head_and_exchanges_are_tokens_of_the_whole() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    stream = corpus.draw_conversations("pieces", long=False)
    for _ in range(50):
        made = next(stream)
        text = "".join(part for part, _ in chat.pieces(made.messages, made.tools))
        head = tokenizer.encode(chat.head(made.messages, made.tools), add_special_tokens=False).ids
        tokens, targets, ends = packing.encoded(tokenizer, [exchange for _, exchange in made.exchanges])
        assert head + tokens == tokenizer.encode(text, add_special_tokens=False).ids
        assert any(targets)
        assert not all(targets)
        assert ends[-1] == len(tokens)


def test_a_name_is_the_same_tokens_wherever_it_stands() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    draw = Draw(random.Random("names"), heldout=True)
    names = [draw.noun() for _ in range(500)]

    def tokens(text: str) -> list[str]:
        return list(tokenizer.encode(text, add_special_tokens=False).tokens)

    quoted = [name for name in names if tokens(f'"{name}"')[1:-1] == tokens(name)]
    plural = [name for name in names if tokens(f"{name}s") == [*tokens(name), "s"]]
    assert len(quoted) >= 480
    assert len(plural) >= 460


def test_a_batch_gives_the_loss_of_its_conversations_read_one_by_one() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    network = AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32)
    kind = packing.Kind(groups=2, blocks=2, length=640, with_tools=True, counts=(1, 2), given_weight=0.0)
    batch = packing.pack(tokenizer, "batch", kind)
    assert (batch.segments >= 0).mean() > 0.6
    layout = forward.Layout(batch, torch.device("cpu"))
    with torch.no_grad():
        found = forward.logits_of(network, layout)
    at = 0
    for group in range(2):
        head = batch.heads[group, : batch.head_lengths[group]]
        for block in range(2):
            for number in sorted(set(batch.segments[group, block]) - {-1}):
                place = batch.segments[group, block] == number
                said = batch.targets[group, block][place].nonzero()[0] + len(head)
                tokens = torch.tensor([[*head, *batch.tokens[group, block][place]]])
                with torch.no_grad():
                    wanted = network(tokens).logits[0, said - 1]
                assert torch.allclose(found[at : at + len(said)], wanted, atol=1e-2)
                at += len(said)
    assert at == len(found)


@pytest.mark.parametrize("kind", ["drill", "tools", "long"])
def test_a_batch_in_parts_gives_the_loss_and_the_gradients_of_the_whole(kind: str) -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    network = AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32)
    # Some blocks of several slices, with conversations that end within them.
    small = replace(packing.KINDS[kind], groups=min(2, packing.KINDS[kind].groups), blocks=2, length=900)
    batch = packing.pack(tokenizer, f"parts {kind}", small)
    parameters = list(network.parameters())
    whole, parts = (
        torch.stack([forward.batch_loss(network, part, torch.device("cpu")) for part in batch.parts(count)])
        for count in (1, 2)
    )
    assert len(parts) == 2
    assert torch.allclose(parts.sum(), whole.sum(), rtol=1e-4)
    gradients = [torch.autograd.grad(losses.sum(), parameters) for losses in (whole, parts)]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-3 * float(one.abs().max()))


def test_a_block_in_which_nothing_found_room_costs_nothing() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    network = AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32)
    batch = packing.pack(tokenizer, "empty", replace(packing.KINDS["long"], length=600))
    batch.segments[:, 1], batch.targets[:, 1] = -1, False
    full, empty = (forward.batch_loss(network, part, torch.device("cpu")) for part in batch.parts(2))
    assert full > 0
    assert empty == 0
    assert not any(found.any() for found in torch.autograd.grad(empty, list(network.parameters())))


def test_what_is_given_counts_a_part_of_what_is_said() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    batch = packing.pack(tokenizer, "weights", packing.KINDS["drill"])
    weights = batch.weights
    assert (weights[batch.targets] == 1).all()
    given = (batch.segments >= 0) & ~batch.targets
    assert weights[given].mean() == pytest.approx(packing.GIVEN_WEIGHT, rel=0.05)
    assert (weights[given] > 0).mean() < 0.3
    assert not weights[batch.segments < 0].any()
    # The first token of a conversation has nothing of its own before it.
    assert not weights[..., 0].any()


def test_attention_and_its_gradients_are_those_of_pytorch() -> None:
    torch.manual_seed(1)
    queries, keys, values = parts = [torch.randn(2, length, 8, requires_grad=True) for length in (5, 9, 9)]
    mask = torch.full((5, 9), -torch.inf)
    chunks = []
    # Both see the head, of their own the first two tokens the places 3 to 6, the others 5 to 9.
    for asking, own in ((slice(0, 2), slice(3, 6)), (slice(2, 5), slice(5, 9))):
        mask[asking, :3] = 0
        hidden = torch.rand(mask[asking, own].shape) < 0.3
        mask[asking, own] = torch.zeros(hidden.shape).masked_fill_(hidden, -torch.inf)
        chunks.append(forward.Chunk(asking, slice(0, 3), own, mask[asking, own]))
    weights = torch.randn(2, 5, 8)
    results = []
    for found in (
        forward.Attention.apply(queries, keys, values, chunks),  # type: ignore[no-untyped-call]
        scaled_dot_product_attention(queries, keys, values, attn_mask=mask),
    ):
        results.append([found, *torch.autograd.grad((found * weights).sum(), parts)])
    assert all(torch.allclose(own, theirs, atol=1e-5) for own, theirs in zip(*results, strict=True))


def test_calls_are_read_back() -> None:
    message = {"content": "", "tool_calls": [{"function": {"name": "Read", "arguments": {"file_path": 'a"b'}}}]}
    assert toolcalls.parsed_calls(chat.answer_text(message)) == [("Read", {"file_path": 'a"b'})]
    assert toolcalls.parsed_calls("<tool_call>\n{broken\n</tool_call>") is None


def test_a_smoke_training_can_be_broken_off_and_gives_a_loadable_model(tmp_path: Path) -> None:
    recipe = Recipe(
        steps=6, cycle=("plain", "tools"), tokenizer_conversations=200, warmup=2, checkpoint_every=2, smoke=True
    )
    train(recipe, tmp_path, stop_after_steps=4)
    assert (tmp_path / "checkpoint.pt").exists()
    train(recipe, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    export(tmp_path, tmp_path / "shipped")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "shipped").config.model_type == "qwen2"
    assert AutoTokenizer.from_pretrained(tmp_path / "shipped").eos_token == "<|im_end|>"
    model = llama_cpp.Llama(str(tmp_path / "shipped" / GGUF_NAME), n_ctx=128, verbose=False)
    assert model.create_completion("hello", max_tokens=3)["usage"]["completion_tokens"] <= 3
    model.close()
