"""How long a context fits this machine: pure arithmetic over a header and the memory that is free."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from shammah_tui.engine.gguf_file import Header
from shammah_tui.errors import ModelError

CONTEXT_MAX = 32_768
CONTEXT_MIN = 2_048
# Cells of llama.cpp's cache come in blocks of this many.
_CELLS = 256
# Of what is free once the weights are in, the cache may take this much; the rest is for compute buffers and others.
_CACHE_SHARE = 0.5
_BYTES_PER_VALUE = {"f16": 2.0, "q8_0": 34 / 32}


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes free for the weights and for the cache (the same pool on a CPU and on Apple's unified memory)."""

    free_bytes: int
    total_bytes: int

    @classmethod
    def of_this_machine(cls) -> Room:
        memory = psutil.virtual_memory()
        return cls(memory.available, memory.total)


def cache_bytes_per_token(header: Header, kv_type: str) -> int:
    """Bytes of keys and values that one token takes over all layers."""
    heads = max(1, header.number("attention.head_count", 1))
    kv_heads = header.number("attention.head_count_kv", heads)
    head_width = header.number("embedding_length") // heads
    width = header.number("attention.key_length", head_width) + header.number("attention.value_length", head_width)
    return int(header.number("block_count", 1) * kv_heads * width * _BYTES_PER_VALUE[kv_type])


def choose_context(asked: int, header: Header, kv_type: str, room: Room | None) -> tuple[int, str]:
    """The context in tokens, and a notice where it is not what was asked for (0 asks for what fits).

    `room` is None where only trying can tell what fits: a card with memory of its own.
    Raises `ModelError` where the weights alone are larger than the machine's memory.
    """
    trained = header.number("context_length") or CONTEXT_MAX
    most = min(CONTEXT_MAX, trained)
    if room is None:
        fits = most
    elif header.size_bytes > room.total_bytes:
        raise ModelError(
            f"The model needs {_gib(header.size_bytes)} of memory, and this machine has {_gib(room.total_bytes)}.",
            "Choose a smaller model or a stronger quantisation (Q4_K_M).",
        )
    else:
        # Weights are mapped: pages of the file already in memory count as free, so one that fits tightly still loads.
        spare = max(0, room.free_bytes - header.size_bytes)
        fits = int(spare * _CACHE_SHARE / max(1, cache_bytes_per_token(header, kv_type)))
    if asked <= 0:
        chosen = min(most, max(fits, CONTEXT_MIN))
        chosen = max(_CELLS, chosen // _CELLS * _CELLS)
        if chosen < most // _CELLS * _CELLS:
            return chosen, f"The context is {chosen:,} tokens, which is what fits the free memory."
        return chosen, ""
    chosen = -(-min(asked, trained) // _CELLS) * _CELLS
    if asked > trained:
        return chosen, f"The context is {chosen:,} tokens: the model was not trained for {asked:,}."
    return chosen, ""


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
