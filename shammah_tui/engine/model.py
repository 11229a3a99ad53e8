"""Loading: a checked GGUF, a device, a context that fits. Ends with pointers that the scheduler's thread may use."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psutil

from shammah_tui.engine import gguf_file, native_log
from shammah_tui.engine.gpu_attempt import GpuAttempt
from shammah_tui.engine.library import native
from shammah_tui.engine.memory import CONTEXT_MIN, Room, choose_context
from shammah_tui.engine.request import LoadedModel, LoadOptions
from shammah_tui.engine.vocabulary import Vocabulary
from shammah_tui.errors import ModelError

log = logging.getLogger(__name__)

Device = Literal["cpu", "metal", "cuda"]

_FLASH = {
    "auto": native.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": native.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": native.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_KV_TYPES = {"f16": native.GGML_TYPE_F16, "q8_0": native.GGML_TYPE_Q8_0}
CHUNK_TOKENS_MIN = 16
"""A prompt is read in chunks of at least this many tokens."""
_BYTES_PER_THREAD = 16 << 20
_LOAD_HINT = "Check that the file is a complete GGUF of a supported architecture, and that memory is free."


@dataclass(slots=True)
class NativeModel:
    """What was loaded. `close` frees it, once; nothing may use the pointers afterwards."""

    model: int
    context: int
    memory: int
    vocabulary: Vocabulary
    info: LoadedModel
    batch_tokens: int
    abort_flag: ctypes.Array[ctypes.c_char]
    """Its first byte, set to non-zero, ends a `llama_decode` under way with status 2 (on the CPU)."""

    def close(self) -> None:
        if self.context:
            native.llama_free(self.context)
            native.llama_model_free(self.model)
            self.context = self.model = 0


def load(path: Path, options: LoadOptions) -> NativeModel:
    """Loads `path` on the device asked for, on the CPU where a GPU refuses. Raises `ModelError`."""
    native_log.install()
    native_log.forget()
    header = gguf_file.read_header(path)
    notices: list[str] = []
    device = _choose_device(options, notices)
    threads = choose_threads(options.threads, header.size_bytes)
    attempt = GpuAttempt(options.attempt_note, path)
    if device != "cpu" and options.device == "auto" and attempt.was_lost():
        notices.append(
            "The last engine did not survive loading this model on the GPU, so it runs on the CPU, slower."
            f" `shammah config set model.device {device}` tries the GPU again."
        )
        device = "cpu"
    context_tokens, notice = _context_for(device, header, options)
    with attempt.noted() if device != "cpu" else nullcontext():
        loaded = _load_on(device, path, options, context_tokens, threads)
    if loaded is None and device != "cpu":
        log.warning("the %s device refused the model: %s", device, native_log.last_errors())
        notices.append("The GPU could not load the model, so it runs on the CPU, slower.")
        device = "cpu"
        context_tokens, notice = _context_for(device, header, options)
        loaded = _load_on(device, path, options, context_tokens, threads)
    if loaded is None:
        said = native_log.last_errors()
        raise ModelError(f"{path.name} could not be loaded.", f"{_LOAD_HINT} llama.cpp says: {said or 'nothing'}")
    model, context, flag = loaded
    granted = int(native.llama_n_ctx(context))
    if granted < context_tokens:
        notices.append(f"The context is {granted:,} tokens, which is what fits the GPU's memory.")
    vocabulary = Vocabulary(model)
    info = _describe(path, header, options, device, vocabulary, model)
    info = replace(info, context_tokens=granted, notice=" ".join(part for part in (notice, *notices) if part))
    batch_tokens = int(native.llama_n_batch(context))
    return NativeModel(model, context, native.llama_get_memory(context), vocabulary, info, batch_tokens, flag)


def _context_for(device: Device, header: gguf_file.Header, options: LoadOptions) -> tuple[int, str]:
    """The context to try, and a notice. Raises `ModelError` where the model is too large for this memory.

    A card that is not a Mac's has memory of its own: it tells what fits when a context is made.
    """
    room = None if device == "cuda" else Room.of_this_machine()
    return choose_context(options.context_tokens, header, options.kv_type, room)


def _describe(
    path: Path, header: gguf_file.Header, options: LoadOptions, device: Device, vocabulary: Vocabulary, model: int
) -> LoadedModel:
    return LoadedModel(
        path=path,
        architecture=header.architecture,
        name=str(header.metadata.get("general.name") or path.stem),
        parameters=int(native.llama_model_n_params(model)),
        size_bytes=header.size_bytes,
        context_tokens=0,
        training_context_tokens=int(native.llama_model_n_ctx_train(model)),
        vocabulary=vocabulary.size,
        slots=options.slots,
        device=device,
        notice="",
        chat_template=str(header.metadata.get("tokenizer.chat_template") or ""),
        bos_text=vocabulary.text(int(native.llama_vocab_bos(vocabulary.pointer))),
        eos_text=vocabulary.text(int(native.llama_vocab_eos(vocabulary.pointer))),
        control_texts=tuple(vocabulary.control_texts),
    )


def _choose_device(options: LoadOptions, notices: list[str]) -> Device:
    if options.device == "cpu":
        return "cpu"
    there: Device = "metal" if sys.platform == "darwin" else "cuda"
    if not native.llama_supports_gpu_offload():
        there = "cpu"
    if options.device not in ("auto", there):
        notices.append(f"This build of llama.cpp knows no {options.device}, so the model runs on {there}.")
    return there


def choose_threads(asked: int, size_bytes: int) -> int:
    """Physical cores, of those this process may run on: a second thread of a core only gets in the way.

    A small model gets fewer: its threads would wait for one another longer than they compute (measured on 6 MB: one
    thread 340 us a token, two 360, and forty times slower where another process wants the second core).
    """
    if asked > 0:
        return asked
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = min(psutil.cpu_count(logical=False) or allowed, allowed)
    return max(1, min(cores, 1 + size_bytes // _BYTES_PER_THREAD))


def _load_on(
    device: Device, path: Path, options: LoadOptions, context_tokens: int, threads: int
) -> tuple[int, int, ctypes.Array[ctypes.c_char]] | None:
    """Model and context pointers and the abort flag, or None where llama.cpp refuses."""
    parameters = native.llama_model_default_params()
    parameters.n_gpu_layers = 0 if device == "cpu" else -1
    nothing = (ctypes.c_void_p * 1)()
    if device == "cpu":
        # Else a GPU is opened all the same, and half a gigabyte of its memory taken.
        parameters.devices = ctypes.cast(nothing, ctypes.c_void_p)
    model = native.llama_model_load_from_file(os.fsencode(path), parameters)
    if not model:
        return None
    flag = ctypes.create_string_buffer(2)
    # How much a GPU has free is known only by asking it: a context that nobody asked for may shrink there.
    shrinking = device != "cpu" and options.context_tokens <= 0
    while True:
        settings = _context_parameters(device, options, context_tokens, threads, flag)
        context = native.llama_init_from_model(model, settings)
        if context and (device == "cpu" or _computes(model, context)):
            return model, context, flag
        if context:
            native.llama_free(context)
            native.llama_model_free(model)
            return None
        context_tokens //= 2
        if not shrinking or context_tokens < CONTEXT_MIN:
            native.llama_model_free(model)
            return None


def _computes(model: int, context: int) -> bool:
    """Whether a first token can be read: kernels that a GPU lacks are missed now, and those it compiles are ready."""
    token = max(0, int(native.llama_vocab_bos(native.llama_model_get_vocab(model))))
    done = native.llama_decode(context, native.llama_batch_get_one((native.llama_token * 1)(token), 1)) == 0
    native.llama_synchronize(context)
    native.llama_memory_clear(native.llama_get_memory(context), True)
    return bool(done)


def _context_parameters(
    device: Device, options: LoadOptions, context_tokens: int, threads: int, flag: ctypes.Array[ctypes.c_char]
) -> Any:
    parameters = native.llama_context_default_params()
    parameters.n_ctx = context_tokens
    # A batch holds at least one token of every slot.
    parameters.n_batch = parameters.n_ubatch = max(options.batch_tokens, options.slots, CHUNK_TOKENS_MIN)
    parameters.n_seq_max = options.slots
    # One cache for all: a sequence alone may take all of it, and prefixes are shared without copying.
    parameters.kv_unified = True
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.flash_attn_type = _FLASH[options.flash_attention]
    parameters.type_k = parameters.type_v = _KV_TYPES[options.kv_type]
    parameters.offload_kqv = parameters.op_offload = device != "cpu"
    parameters.no_perf = True
    # The abort callback is asked between the nodes of a graph, by native threads. Python would take the GIL there;
    # C's strlen over a flag of one byte is the same question without it: 0 (false) until the byte is set.
    strlen = ctypes.CDLL(None).strlen
    parameters.abort_callback = ctypes.cast(strlen, native.ggml_abort_callback)
    parameters.abort_callback_data = ctypes.cast(flag, ctypes.c_void_p)
    return parameters
