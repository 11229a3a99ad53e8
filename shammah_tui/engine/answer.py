"""What the scheduler keeps of a request while it runs: how to draw its next token, and what of it was handed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from shammah_tui.conversation import Usage
from shammah_tui.engine.detokenize import TextStream, tokens_until_stop
from shammah_tui.engine.gauge import Gauge
from shammah_tui.engine.generation import Job
from shammah_tui.engine.model import NativeModel
from shammah_tui.engine.request import GenerationEnded, TextGenerated
from shammah_tui.engine.sampling import (
    NO_TOKEN,
    Candidates,
    GrammarDraw,
    GreedyDraw,
    build_chain,
    is_greedy,
    plain_draw,
)


class Owned(Protocol):
    def close(self) -> None: ...


class Answer:
    """One answer. It ends with `fail`, or with `finish`, whose result then goes to the reader."""

    def __init__(self, job: Job, pieces: Sequence[bytes], limit: int, cached_tokens: int) -> None:
        self.job = job
        self.limit = limit
        """Tokens it may generate at most."""
        self.draw: Callable[[int], int] = lambda _row: NO_TOKEN
        """The next token, from the logits of a row of the batch."""
        self.cached_tokens = cached_tokens
        self.generated = 0
        """Tokens handed over."""
        self.pending: list[int] = []
        """Tokens drawn and not handed over yet."""
        self.started_at = time.perf_counter()
        self.first_at = 0.0
        """When the first token was drawn; 0.0 while the prompt is being read."""
        self.stream = TextStream(job.request.stop)
        self._pieces = pieces
        self._untold = 0
        self._owned: list[Owned] = []
        self._gauge: Gauge | None = None

    @classmethod
    def begun(cls, job: Job, model: NativeModel, candidates: Candidates, cached_tokens: int) -> Answer:
        """An answer with its sampler chain, and its grammar where it has one."""
        request, window = job.request, model.info.context_tokens
        room = window - len(job.prompt)
        limit = room if request.max_tokens is None else min(room, request.max_tokens)
        answer = cls(job, model.vocabulary.pieces, limit, cached_tokens)
        if job.grammar is None and is_greedy(request.sampling):
            answer.draw = GreedyDraw(model.context, model.vocabulary.size)
            return answer
        chain = build_chain(request.sampling, model.vocabulary, job.prompt, window)
        answer._owned.append(chain)
        if job.grammar is None:
            answer.draw = plain_draw(chain, model.context)
        else:
            guided = GrammarDraw(job.grammar, chain, model.context, model.vocabulary, candidates)
            answer._owned.append(guided)
            answer.draw = guided
        return answer

    def gauge(self, model: NativeModel) -> None:
        """Measure the first tokens, where the request asks for it."""
        if self.job.request.certainty_tokens:
            count = self.job.request.certainty_tokens
            self.draw = self._gauge = Gauge(self.draw, model.context, self._pieces, count)

    @classmethod
    def unstarted(cls, job: Job) -> Answer:
        """One that ends before it had a slot."""
        return cls(job, (), 0, 0)

    def flush(self) -> bool:
        """Hands over what has gathered; true where a stop string ended the answer."""
        tokens = self.pending[:]
        if not tokens:
            return False
        self.pending.clear()  # not a new list: the decode loop holds its `append`
        pieces = [self._pieces[token] for token in tokens]
        before = self.stream.fork() if self.job.request.stop else None
        text = self.stream.push(b"".join(pieces))
        count = len(tokens)
        if before is not None and self.stream.stopped:
            count, text = tokens_until_stop(before, pieces)
        self.generated += count
        self._untold += count
        self._tell(text)
        return self.stream.stopped

    def finish(self, reason: Literal["stop", "length", "cancelled"]) -> GenerationEnded:
        """Hands over the rest of the text, frees what the answer owns, and returns the end to be handed over."""
        self.flush()
        if self.stream.stopped:
            reason = "stop"
        elif reason == "stop":
            self.generated += 1  # the end token, which has no text
        self._tell(self.stream.finish())
        self._close()
        now = time.perf_counter()
        first = self.first_at or now
        return GenerationEnded(
            reason=reason,
            usage=Usage(len(self.job.prompt), self.generated, self.cached_tokens),
            queued_seconds=self.started_at - self.job.asked_at,
            first_token_seconds=first - self.job.asked_at,
            decode_seconds=now - first,
            certainty=tuple(self._gauge.measured) if self._gauge else (),
        )

    def fail(self, error: Exception) -> None:
        self._close()
        self.job.put(error)

    def _tell(self, text: str) -> None:
        if text:
            self.job.put(TextGenerated(text, self._untold))
            self._untold = 0

    def _close(self) -> None:
        for owned in self._owned:
            owned.close()
        self._owned = []
