"""LoRA adapters beside the loaded model: read from GGUF, set between two batches, let go when many are there.

A context computes with one adapter at a time. Which one an answer is made with is part of its request; the scheduler
groups answers by it (see `scheduler`), and keys and values never cross from one adapter or scale to another (see
`slot.CacheKey`). Whether an adapter belongs to the model and is whole is decided above; llama.cpp itself refuses
matrices of another shape.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

from shammah_tui.engine import native_log
from shammah_tui.engine.library import native
from shammah_tui.engine.model import NativeModel
from shammah_tui.engine.slot import BASE, CacheKey
from shammah_tui.errors import EngineError, ModelError

KEPT = 4
"""Adapters that stay in memory though nobody asks for them: going back to one is then free."""


class AdapterShelf:
    """Adapters in memory by the identity that the caller gives them (the file's sha256).

    `load` is called from any thread; `use` and `trim` from the scheduler's alone.
    """

    def __init__(self, model: NativeModel) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._pointers: dict[str, Any] = {}
        self._asked_at: dict[str, float] = {}
        self._used = BASE

    def load(self, path: Path, identity: str) -> None:
        """Reads the file, unless it is there. Raises `ModelError` where llama.cpp refuses it."""
        with self._lock:
            self._asked_at[identity] = time.perf_counter()
            if identity in self._pointers:
                return
            native_log.forget()
            pointer = native.llama_adapter_lora_init(self._model.model, os.fsencode(path))
            if not pointer:
                del self._asked_at[identity]
                raise ModelError(
                    f"llama.cpp cannot load the adapter {path.parent.name}.",
                    native_log.last_errors() or "It does not fit this model.",
                )
            self._pointers[identity] = pointer

    def use(self, key: CacheKey) -> None:
        """Computes with this adapter from the next batch on. Raises `EngineError`."""
        if key == self._used:
            return
        if not key.adapter:
            status = native.llama_set_adapters_lora(self._model.context, None, 0, None)
        else:
            pointer = self._pointers.get(key.adapter)
            if pointer is None:
                raise EngineError("The adapter of this answer is no longer loaded.", "Ask again.")
            held = (ctypes.c_void_p * 1)(ctypes.cast(pointer, ctypes.c_void_p))
            pointers = ctypes.cast(held, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))
            status = native.llama_set_adapters_lora(self._model.context, pointers, 1, (ctypes.c_float * 1)(key.scale))
        if status:
            raise EngineError(f"llama.cpp did not take the adapter (status {status}).", "Ask again.")
        self._used = key

    @property
    def is_crowded(self) -> bool:
        return len(self._pointers) > KEPT

    def trim(self, needed: Set[str]) -> None:
        """Frees what goes beyond `KEPT`, what was asked for longest ago first, but nothing of `needed`."""
        with self._lock:
            spare = [name for name in self._pointers if name not in needed and name != self._used.adapter]
            spare.sort(key=lambda name: self._asked_at[name])
            for identity in spare[: len(self._pointers) - KEPT]:
                native.llama_adapter_lora_free(self._pointers.pop(identity))
                del self._asked_at[identity]
