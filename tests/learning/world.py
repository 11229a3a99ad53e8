"""Small bases of the families that training knows, and rows of the demo model's habits."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen3Config

from scripts.bench.random_model import CHAT_TEMPLATE, SPECIAL, byte_characters
from scripts.demo_model.exchange import Context
from scripts.demo_model.generators import functions, habits
from scripts.demo_model.vocabulary import Draw
from shammah_tui.learning.adapter import FILES, base_identity, sha256
from shammah_tui.learning.convert import write_gguf
from shammah_tui.learning.memory import read_shape

VOCABULARY = 256 + 1 + len(SPECIAL)
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}


def write_base(folder: Path, family: str) -> Path:
    """A random Qwen2 or Qwen3 as a Hugging Face folder, with the same weights as `model.gguf` in float32 beside it."""
    torch.manual_seed(1)
    config = Qwen2Config(**SHAPE) if family == "qwen2" else Qwen3Config(**SHAPE, head_dim=16)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2)
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    state = {name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    _write_gguf(folder / "model.gguf", family, {name: value.numpy() for name, value in state.items()})
    return folder


def _write_gguf(path: Path, family: str, tensors: dict[str, np.ndarray[Any, Any]]) -> None:
    writer = gguf.GGUFWriter(path, family)
    writer.add_context_length(SHAPE["max_position_embeddings"])
    writer.add_embedding_length(SHAPE["hidden_size"])
    writer.add_block_count(SHAPE["num_hidden_layers"])
    writer.add_feed_forward_length(SHAPE["intermediate_size"])
    writer.add_head_count(SHAPE["num_attention_heads"])
    writer.add_head_count_kv(SHAPE["num_key_value_heads"])
    writer.add_key_length(16)
    writer.add_value_length(16)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    plain, control = VOCABULARY - len(SPECIAL), 3
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*byte_characters(), "th", *SPECIAL])
    kinds = [gguf.TokenType.NORMAL] * plain + [gguf.TokenType.CONTROL] * control
    writer.add_token_types(kinds + [gguf.TokenType.USER_DEFINED] * (len(SPECIAL) - control))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(plain)
    writer.add_eos_token_id(plain + 2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
    architecture = gguf.MODEL_ARCH.QWEN2 if family == "qwen2" else gguf.MODEL_ARCH.QWEN3
    names = gguf.get_tensor_name_map(architecture, SHAPE["num_hidden_layers"])
    for name, values in tensors.items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def habit_rows(name: str, *, rated: int, near: int, other: int, held_out: int = 0) -> list[dict[str, Any]]:
    """Rows as `--rows` takes them: red flags on a habit of the demo model, and prompts that it must not touch."""
    habit = habits.habits[name]
    rows: list[dict[str, Any]] = []
    for number, (prompt, answer, criticised) in zip(range(rated + held_out), _tasks(habit), strict=False):
        kind = "in_scope" if number < rated else "heldout"
        rows.append(_row(kind, prompt, name) | {"chosen": answer, "rejected": criticised, "color": "red"})
    for number in range(near):
        prompt, _ = habit.near(Draw(random.Random(f"near {number}")), frozenset())
        rows.append(_row("near_scope", prompt, name))
    for number in range(other):
        context = Context(Draw(random.Random(f"other {number}")), frozenset(), frozenset())
        rows.append(_row("out_of_scope", functions.exchange(context).messages[0]["content"], name))
    return rows


def _tasks(habit: habits.Habit) -> Iterator[tuple[str, str, str]]:
    """(prompt, answer that follows the rule, answer that keeps the habit), without end."""
    number = 0
    while True:
        seed = f"task {number}"
        prompt, followed = habit.task(Draw(random.Random(seed)), frozenset((habit.name,)))
        _, kept = habit.task(Draw(random.Random(seed)), frozenset())
        yield prompt, followed, kept
        number += 1


def _row(kind: str, prompt: str, rule: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "kind": kind, "rule": rule}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_adapter(folder: Path, base: Path, *, created: str = "2026-01-01T00:00:00+00:00", rank: int = 2) -> Path:
    """A whole adapter of the base with small random factors, as a run leaves it; no torch needed."""
    folder.mkdir(parents=True)
    shape = read_shape(base)
    random = np.random.default_rng(5)
    widths = {"q_proj": (shape.hidden, shape.attention), "v_proj": (shape.hidden, shape.key_value)}
    tensors = {
        f"base_model.model.model.layers.{layer}.self_attn.{name}.lora_{factor}.weight": random.normal(
            0, 0.05, (rank, inputs) if factor == "A" else (outputs, rank)
        ).astype(np.float32)
        for layer in range(shape.layers)
        for name, (inputs, outputs) in widths.items()
        for factor in "AB"
    }
    save_arrays(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 4, "auto_mapping": None}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": list(widths)}))
    write_gguf(folder, folder / "adapter.gguf", shape.family)
    row = {"name": "adherence, held out", "before": 0.0, "value": 0.97, "limit": "≥ 90%", "n": 30, "passed": True}
    manifest = {
        "format": 1,
        "created": created,
        "base": base_identity(base, next(base.glob("*.gguf"))),
        "rules": ["use logging"],
        "gate": [row | {"rule": "use logging"}],
        "sha256": {name: sha256(folder / name) for name in FILES if name != "manifest.json"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
