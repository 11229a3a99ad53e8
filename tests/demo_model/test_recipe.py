"""The recipe: what the generators draw, how a conversation becomes tokens, and a whole small training."""

from __future__ import annotations

import random
from pathlib import Path

import llama_cpp
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.demo_model import chat, corpus
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


def test_tokens_of_the_pieces_are_tokens_of_the_whole() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    stream = corpus.draw_conversations("pieces", long=False)
    for _ in range(50):
        made = next(stream)
        text = "".join(part for part, _ in chat.pieces(made.messages, made.tools))
        tokens, targets = corpus.encoded(tokenizer, made)
        assert tokens == tokenizer.encode(text, add_special_tokens=False).ids
        assert any(targets)
        assert not all(targets)


def test_rows_keep_conversations_apart() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    rows = corpus.pack(tokenizer, "rows", rows=2, length=1024, long=False)
    assert (rows.segments >= 0).mean() > 0.7
    for row in range(2):
        starts = [at for at in range(1024) if rows.segments[row, at] >= 0 and rows.positions[row, at] == 0]
        assert len(starts) == len({int(rows.segments[row, at]) for at in starts})
        assert not rows.targets[row, starts].any()


def test_calls_are_read_back() -> None:
    message = {"content": "", "tool_calls": [{"function": {"name": "Read", "arguments": {"file_path": 'a"b'}}}]}
    assert toolcalls.parsed_calls(chat.answer_text(message)) == [("Read", {"file_path": 'a"b'})]
    assert toolcalls.parsed_calls("<tool_call>\n{broken\n</tool_call>") is None


def test_a_smoke_training_can_be_broken_off_and_gives_a_loadable_model(tmp_path: Path) -> None:
    recipe = Recipe(steps=6, rows=2, length=512, tokenizer_conversations=200, warmup=2, checkpoint_every=2, smoke=True)
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
