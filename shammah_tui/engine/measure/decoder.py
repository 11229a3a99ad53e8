"""Many short sequences through one llama.cpp context: shared beginnings are read once, logits come as asked."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shammah_tui.engine import model as loading
from shammah_tui.engine import native_log
from shammah_tui.engine.batch import Batch
from shammah_tui.engine.library import native
from shammah_tui.engine.request import LoadOptions
from shammah_tui.errors import EngineError, ModelError

Logits = npt.NDArray[np.float32]

SEQUENCES = 24
BATCH_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens to append to a sequence from `position` on; logits are wanted from index `wanted` of them on."""

    sequence: int
    position: int
    tokens: Sequence[int]
    wanted: int


class Decoder:
    """A loaded model with at most one adapter. Sequence 0 holds the beginning that all others share."""

    def __init__(self, path: Path, *, threads: int = 0, context_tokens: int = 0) -> None:
        options = LoadOptions(
            slots=SEQUENCES, context_tokens=context_tokens, threads=threads, batch_tokens=BATCH_TOKENS
        )
        self._loaded = loading.load(path, options)
        self.info = self._loaded.info
        self.vocabulary = self._loaded.vocabulary
        self._batch = Batch(BATCH_TOKENS)
        self._adapters: dict[Path, ctypes.c_void_p] = {}
        self._shared: list[int] = []

    def close(self) -> None:
        self._loaded.close()

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        """Every later token is computed with this adapter; what was cached under another one is dropped."""
        self.forget()
        if path is None:
            status = native.llama_set_adapters_lora(self._loaded.context, None, 0, None)
        else:
            adapter = self._adapters.get(path) or self._load_adapter(path)
            pointers = (ctypes.c_void_p * 1)(ctypes.cast(adapter, ctypes.c_void_p))
            held = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))
            status = native.llama_set_adapters_lora(self._loaded.context, held, 1, (ctypes.c_float * 1)(scale))
        if status != 0:
            raise EngineError(f"llama.cpp did not take the adapter (status {status}).")

    def forget(self) -> None:
        """Drops all cached keys and values."""
        native.llama_memory_clear(self._loaded.memory, True)
        self._shared = []

    def share(self, prompts: Sequence[Sequence[int]]) -> int:
        """Reads the beginning that all prompts have in common into sequence 0; its length in tokens."""
        common = common_prefix(prompts)
        if common != self._shared:
            self.forget()
            for _ in self.feed([Span(0, 0, common, len(common))]):
                pass
            self._shared = common
        return len(common)

    def open(self, sequence: int) -> None:
        """Makes a sequence that has read the shared beginning."""
        native.llama_memory_seq_rm(self._loaded.memory, sequence, -1, -1)
        if self._shared:
            native.llama_memory_seq_cp(self._loaded.memory, 0, sequence, -1, -1)

    def drop(self, sequence: int) -> None:
        native.llama_memory_seq_rm(self._loaded.memory, sequence, -1, -1)

    def feed(self, spans: Sequence[Span]) -> Iterator[tuple[Span, int, Logits]]:
        """Decodes spans together; yields (span, index in it, logits after that token). The logits, of shape
        (vocabulary,), are valid until the next item is asked for."""
        wanted: list[tuple[Span, int, int]] = []
        self._batch.clear()
        for span in spans:
            for offset, token in enumerate(span.tokens):
                if len(self._batch) == BATCH_TOKENS:
                    yield from self._decode(wanted)
                    wanted = []
                asked = offset >= span.wanted
                index = self._batch.add(token, span.position + offset, span.sequence, wanted=asked)
                if asked:
                    wanted.append((span, offset, index))
        yield from self._decode(wanted)

    def _decode(self, wanted: Sequence[tuple[Span, int, int]]) -> Iterator[tuple[Span, int, Logits]]:
        if not len(self._batch):
            return
        status = native.llama_decode(self._loaded.context, self._batch.native)
        self._batch.clear()
        if status != 0:
            raise EngineError(f"llama.cpp could not decode (status {status}). {native_log.last_errors()}")
        for span, offset, index in wanted:
            pointer = native.llama_get_logits_ith(self._loaded.context, index)
            yield span, offset, np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))

    def _load_adapter(self, path: Path) -> ctypes.c_void_p:
        native_log.forget()
        adapter: ctypes.c_void_p | None = native.llama_adapter_lora_init(self._loaded.model, str(path).encode())
        if not adapter:
            raise ModelError(f"llama.cpp cannot load the adapter {path.name}.", native_log.last_errors())
        self._adapters[path] = adapter
        return adapter


def common_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """The longest beginning of all prompts, one token short of the shortest (its last token's logits are needed)."""
    if len(prompts) < 2:
        return []
    low, high = min(map(list, prompts)), max(map(list, prompts))
    length = 0
    limit = min(len(prompt) for prompt in prompts) - 1
    while length < limit and low[length] == high[length]:
        length += 1
    return list(low[:length])
