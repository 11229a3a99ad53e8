"""The engine: one model in llama.cpp, many answers at once. Implements the port `Engine`."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shammah_tui.engine import model as loading
from shammah_tui.engine.generation import Job, LlamaGeneration
from shammah_tui.engine.request import EngineCounts, GenerationRequest, LoadedModel, LoadOptions
from shammah_tui.engine.sampling import CompiledGrammar, check_sampling
from shammah_tui.engine.scheduler import Scheduler
from shammah_tui.engine.session import SessionStore, identity
from shammah_tui.engine.vocabulary import Vocabulary
from shammah_tui.errors import ContextOverflow, EngineError, RequestError


class LlamaEngine:
    """Loads on construction (blocks for as long as that takes; raises `ModelError`). Every method may be called from
    any thread, and answers may be read on any event loop."""

    model: LoadedModel

    def __init__(self, path: Path, options: LoadOptions | None = None) -> None:
        options = options or LoadOptions()
        self._native = loading.load(path, options)
        self.model = self._native.info
        folder = options.session_folder
        sessions = SessionStore(folder, identity(self.model, options)) if folder else None
        self._scheduler = Scheduler(self._native, sessions)
        self._closing = threading.Lock()
        # Held while the vocabulary is read outside the scheduler's thread, so that nothing reads a freed model.
        self._reading = threading.Lock()
        self._closed = False

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Tokens of `text`; `special` reads `<|im_start|>` and its like as the tokens they name."""
        with self._vocabulary() as vocabulary:
            return vocabulary.tokenize(text, special=special)

    def generate(self, request: GenerationRequest) -> LlamaGeneration:
        """Queues a request. Raises `ContextOverflow`, `EngineBusy` or `RequestError` at once."""
        prompt = list(request.prompt)
        self._check(request, prompt)
        grammar = None
        if request.grammar is not None:
            with self._vocabulary() as vocabulary:
                grammar = CompiledGrammar(request.grammar, vocabulary)
        job = Job(request, prompt, grammar, self._scheduler.interrupt)
        self._scheduler.submit(job)
        return LlamaGeneration(job)

    def load_adapter(self, path: Path, identity: str) -> None:
        """See the port. Raises `ModelError`, and `EngineError` once the model is gone."""
        with self._reading:
            if self._closed:
                raise EngineError("The model is being closed.", "Ask again once it is loaded.")
            self._scheduler.adapters.load(path, identity)

    def counts(self) -> EngineCounts:
        return self._scheduler.counts()

    def close(self) -> None:
        """Ends every answer, saves sessions, frees the model. Blocks; safe to call twice."""
        with self._closing:
            if self._closed:
                return
            self._scheduler.close()
            with self._reading:
                self._closed = True
                self._native.close()

    @contextmanager
    def _vocabulary(self) -> Iterator[Vocabulary]:
        """Raises `EngineError` once the model is gone."""
        with self._reading:
            if self._closed:
                raise EngineError("The model is being closed.", "Ask again once it is loaded.")
            yield self._native.vocabulary

    def _check(self, request: GenerationRequest, prompt: list[int]) -> None:
        if not prompt:
            raise RequestError("The prompt is empty.", param="messages")
        if not all(0 <= token < self.model.vocabulary for token in (min(prompt), max(prompt))):
            raise RequestError("The prompt holds tokens that this model does not know.", param="messages")
        if request.max_tokens is not None and request.max_tokens < 1:
            raise RequestError("max_tokens must be at least 1.", param="max_tokens")
        if request.adapter is not None and not math.isfinite(request.adapter.scale):
            raise RequestError("The scale of an adapter must be a number.", param="adapter")
        check_sampling(request.sampling)
        if len(prompt) >= self.model.context_tokens:
            raise ContextOverflow(
                f"The conversation is {len(prompt):,} tokens long, and the model reads {self.model.context_tokens:,}.",
                "Start a new conversation, or raise the context in the settings.",
                prompt_tokens=len(prompt),
                context_tokens=self.model.context_tokens,
            )
