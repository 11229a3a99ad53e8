"""Qwen2 models with random weights, as GGUF: for measuring speed, and for tests that need a real file but no sense.

The vocabulary is byte-level (256 single bytes, then filler words, then Qwen's special tokens), so every text can be
tokenized. Rows of special tokens are zero in the tied embedding: greedy decoding never ends by chance.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of a Qwen2 network, in the terms of its `config.json`."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int


TINY = Shape("random-tiny", 64, 2, 2, 1, 128, 512, 2048)
QWEN_HALF_B = Shape("random-0.5b", 896, 24, 14, 2, 4864, 151_936, 32_768)


def byte_characters() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, as byte-level BPE vocabularies write them."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}
    return [table[byte] for byte in range(256)]


def write_model(path: Path, shape: Shape, *, seed: int = 0) -> Path:
    """Writes the model to `path` (atomically) and returns it; the same shape and seed give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    writer = gguf.GGUFWriter(draft, "qwen2")
    _describe(writer, shape)
    _vocabulary(writer, shape)
    _weights(writer, shape, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.replace(path)
    return path


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(shape.name)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _vocabulary(writer: gguf.GGUFWriter, shape: Shape) -> None:
    filler = shape.vocabulary - 256 - len(SPECIAL) - 1
    tokens = [*byte_characters(), "th", *(f"Ġw{n}" for n in range(filler)), *SPECIAL]
    ordinary = len(tokens) - len(SPECIAL)
    kinds = [gguf.TokenType.NORMAL] * ordinary + [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED] * 2
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(ordinary)
    writer.add_eos_token_id(ordinary + 2)
    writer.add_pad_token_id(ordinary)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _weights(writer: gguf.GGUFWriter, shape: Shape, random: np.random.Generator) -> None:
    kv_width = shape.hidden // shape.heads * shape.kv_heads
    ones = np.ones(shape.hidden, np.float32)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns), np.float32) / np.float32(np.sqrt(columns))
        _quantised(writer, name, values)

    # Small against what the layers add, so that the next token is not always the last one again.
    embedding = random.standard_normal((shape.vocabulary, shape.hidden), np.float32) * np.float32(0.05)
    embedding[-len(SPECIAL) :] = 0.0
    _quantised(writer, "token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", ones)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", ones)
        writer.add_tensor(f"{block}.ffn_norm.weight", ones)
        for name, width in (("q", shape.hidden), ("k", kv_width), ("v", kv_width)):
            matrix(f"{block}.attn_{name}.weight", width, shape.hidden)
            writer.add_tensor(f"{block}.attn_{name}.bias", np.zeros(width, np.float32))
        matrix(f"{block}.attn_output.weight", shape.hidden, shape.hidden)
        matrix(f"{block}.ffn_gate.weight", shape.feed_forward, shape.hidden)
        matrix(f"{block}.ffn_up.weight", shape.feed_forward, shape.hidden)
        matrix(f"{block}.ffn_down.weight", shape.hidden, shape.feed_forward)


def _quantised(writer: gguf.GGUFWriter, name: str, values: npt.NDArray[np.float32]) -> None:
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
