"""The model's shape: Qwen2, small, every matrix divisible by 32 so that Q8_0 takes all of it."""

from __future__ import annotations

from typing import Any

VOCABULARY = 2048
CONTEXT = 4096
GGUF_NAME = "shammah-demo-q8_0.gguf"

SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
    "max_position_embeddings": CONTEXT,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
    "use_sliding_window": False,
    "attention_dropout": 0.0,
    "hidden_act": "silu",
    "initializer_range": 0.02,
}
SMOKE_SHAPE: dict[str, Any] = SHAPE | {
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
