"""A `llama_batch` over arrays that live as long as the scheduler: filled in place, no allocation a token."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from shammah_tui.engine.library import native


class Batch:
    """Room for `size` tokens, each of one sequence. `native` is what `llama_decode` takes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tokens = (ctypes.c_int32 * size)()
        self.positions = (ctypes.c_int32 * size)()
        self._wanted = (ctypes.c_int8 * size)()
        self._counts = (ctypes.c_int32 * size)(*([1] * size))
        self._sequences = (ctypes.c_int32 * size)()
        step = ctypes.sizeof(ctypes.c_int32)
        base = ctypes.addressof(self._sequences)
        pointers = ctypes.POINTER(ctypes.c_int32)
        self._sequence_pointers = (pointers * size)(*(ctypes.cast(base + n * step, pointers) for n in range(size)))
        self.native = native.llama_batch(
            n_tokens=0,
            token=ctypes.cast(self.tokens, pointers),
            embd=None,
            pos=ctypes.cast(self.positions, pointers),
            n_seq_id=ctypes.cast(self._counts, pointers),
            seq_id=ctypes.cast(self._sequence_pointers, ctypes.POINTER(pointers)),
            logits=ctypes.cast(self._wanted, ctypes.POINTER(ctypes.c_int8)),
        )

    def __len__(self) -> int:
        return int(self.native.n_tokens)

    def clear(self) -> None:
        self.native.n_tokens = 0

    def add(self, token: int, position: int, sequence: int, *, wanted: bool) -> int:
        """Appends a token and returns its index; `wanted` asks for its logits."""
        index = int(self.native.n_tokens)
        self.tokens[index] = token
        self.positions[index] = position
        self._sequences[index] = sequence
        self._wanted[index] = wanted
        self.native.n_tokens = index + 1
        return index

    def add_prompt(self, tokens: Sequence[int], start: int, count: int, sequence: int) -> int:
        """Appends `tokens[start:start + count]` and returns the index of the last of them, whose logits are wanted
        only where it is the last of all."""
        at = int(self.native.n_tokens)
        end = at + count
        self.tokens[at:end] = list(tokens[start : start + count])
        self.positions[at:end] = list(range(start, start + count))
        self._sequences[at:end] = [sequence] * count
        self._wanted[at:end] = [0] * count
        self._wanted[end - 1] = start + count == len(tokens)
        self.native.n_tokens = end
        return end - 1
