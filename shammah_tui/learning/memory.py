"""How much memory a training run takes, before anything is loaded: arithmetic over `config.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.errors import ModelError, ShammahError

# Python, torch and transformers once imported.
PROGRAM_BYTES = 450 << 20
# Activations get this share of what is free, and at most so many bytes: larger packs bring no more speed.
ACTIVATION_SHARE = 0.4
ACTIVATION_BYTES_MAX = 3 << 29


class MemoryShort(ShammahError):
    """The run does not fit."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen2 or Qwen3 network."""

    family: str
    hidden: int
    feed_forward: int
    layers: int
    attention: int
    """Width of the queries."""
    key_value: int
    vocabulary: int
    tied: bool

    @property
    def parameters(self) -> int:
        layer = self.hidden * (2 * self.attention + 2 * self.key_value + 3 * self.feed_forward)
        return layer * self.layers + self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def adapter_parameters_per_rank(self) -> int:
        ends = 4 * self.hidden + 2 * self.attention + 2 * self.key_value + 3 * (self.hidden + self.feed_forward)
        return ends * self.layers

    def activation_bytes_per_token(self, value_bytes: int) -> int:
        """What the backward pass needs of one token: inputs of the adapters, normed states, gates; and attention's
        queries, keys and values beside each other."""
        layer = 9 * self.hidden + 5 * self.feed_forward + 5 * self.attention + 4 * self.key_value
        return layer * self.layers * value_bytes


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    needed_bytes: int
    pack_tokens: int
    checkpointing: bool


def read_shape(folder: Path) -> Shape:
    """Raises `ModelError` where the folder is no Qwen2 or Qwen3 model."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        family = str(config["model_type"])
        if family not in ("qwen2", "qwen3"):
            raise ModelError(f"{folder.name} is a {family} model.", "Training knows Qwen2 (with 2.5) and Qwen3.")
        heads = int(config["num_attention_heads"])
        width = int(config.get("head_dim") or config["hidden_size"] // heads)
        return Shape(
            family=family,
            hidden=int(config["hidden_size"]),
            feed_forward=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            attention=heads * width,
            key_value=int(config["num_key_value_heads"]) * width,
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} is not a model folder: {error}.", "It needs config.json and model.safetensors."
        ) from error


def plan(shape: Shape, *, rank: int, value_bytes: int, longest: int, free_bytes: int) -> MemoryPlan:
    """How many tokens go through at once, and whether layers are computed again in the backward pass to save memory.
    Raises `MemoryShort` where even the longest row alone does not fit."""
    weights = shape.parameters * value_bytes
    adapter = shape.adapter_parameters_per_rank * rank * 4 * 4  # weight, gradient and AdamW's two moments in float32
    fixed = PROGRAM_BYTES + weights + adapter
    room = min(ACTIVATION_BYTES_MAX, int((free_bytes - fixed) * ACTIVATION_SHARE))
    per_token = shape.activation_bytes_per_token(value_bytes)
    checkpointing = room < longest * per_token
    if checkpointing:
        # One layer's activations, and one hidden state a layer.
        per_token = per_token // shape.layers + shape.hidden * value_bytes * shape.layers
    tokens = max(longest, min(8192, max(0, room) // per_token))
    needed = fixed + tokens * per_token
    if needed > free_bytes:
        raise MemoryShort(
            f"Training needs about {needed / 2**30:.1f} GiB of memory, and {free_bytes / 2**30:.1f} GiB are free.",
            "Close other programs, or train a smaller base.",
        )
    return MemoryPlan(needed, tokens, checkpointing)
