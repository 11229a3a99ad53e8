"""Continuous batching: the one thread that owns the llama.cpp context.

Requests wait in a bounded queue and are admitted in order into slots of one shared cache. A prompt is read in chunks,
in the same batches that carry the next token of every answer under way, so that a long prompt never freezes another
answer. While nothing but decoding is to be done, `_decode` runs a loop with nothing else in it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

import llama_cpp.llama_cpp as native

from shammah_tui.engine.batch import Batch
from shammah_tui.engine.generation import Job
from shammah_tui.engine.model import NativeModel
from shammah_tui.engine.request import EngineCounts
from shammah_tui.engine.sampling import NO_TOKEN, Candidates, GrammarDraw, build_chain, plain_draw
from shammah_tui.engine.slot import Answer, CacheKey, Slot, common_prefix
from shammah_tui.errors import EngineBusy, EngineError, RequestError

log = logging.getLogger(__name__)

# Text goes to the reader in slices of this length: a wake-up of another thread a token would cost more than a token
# of a small model does.
SLICE_SECONDS = 0.015
# While others are answering, one chunk of a prompt may take about this long.
CHUNK_SECONDS = 0.1
CHUNK_TOKENS_MIN = 16
QUEUE_PER_SLOT = 8
# llama_decode's status values.
_FULL, _ABORTED = 1, 2


class Scheduler:
    """`submit` from any thread; all else happens on the scheduler's own."""

    def __init__(self, model: NativeModel) -> None:
        self._model = model
        self._slots = [Slot(index) for index in range(model.info.slots)]
        self._batch = Batch(model.batch_tokens)
        self._candidates = Candidates(model.vocabulary)
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._interrupted = False
        self._closing = False
        self._prefill_rate = 0.0
        self._seconds_per_job = 1.0
        self._counts = {"requests": 0, "prompt": 0, "cached": 0, "generated": 0}
        self._thread = threading.Thread(target=self._run, name="shammah-engine", daemon=True)
        self._thread.start()

    # From any thread.

    def submit(self, job: Job) -> None:
        """Queues `job`. Raises `EngineBusy` where the queue is full, `EngineError` after `close`."""
        with self._changed:
            if self._closing:
                raise EngineError("The model is being closed.", "Ask again once it is loaded.")
            waiting = len(self._queue)
            if waiting >= QUEUE_PER_SLOT * len(self._slots):
                wait = min(60.0, max(1.0, self._seconds_per_job * waiting / len(self._slots)))
                raise EngineBusy(
                    "Too many requests are waiting for the model.",
                    f"Try again in {wait:.0f} s.",
                    retry_after_seconds=wait,
                )
            self._queue.append(job)
            self._counts["requests"] += 1
            self._interrupted = True
            self._changed.notify()

    def interrupt(self, job: Job) -> None:
        """`job` was cancelled: a chunk of its prompt under way is aborted, else the next token is its last."""
        with self._changed:
            self._interrupted = True
            for slot in self._slots:
                answer = slot.answer
                if answer is not None and answer.job is job and slot.cached < len(job.prompt):
                    self._model.abort_flag[0] = b"\x01"
            self._changed.notify()

    def counts(self) -> EngineCounts:
        with self._changed:
            return EngineCounts(
                requests_total=self._counts["requests"],
                prompt_tokens_total=self._counts["prompt"],
                cached_tokens_total=self._counts["cached"],
                generated_tokens_total=self._counts["generated"],
                active=sum(slot.answer is not None for slot in self._slots),
                queued=len(self._queue),
            )

    def close(self) -> None:
        with self._changed:
            self._closing = self._interrupted = True
            self._model.abort_flag[0] = b"\x01"
            self._changed.notify()
        self._thread.join()

    # On the scheduler's thread.

    def _run(self) -> None:
        while not self._closing:
            with self._changed:
                self._interrupted = False
            self._drop_cancelled()
            self._admit()
            busy = [slot for slot in self._slots if slot.answer is not None]
            if not busy:
                with self._changed:
                    if not self._queue and not self._closing:
                        self._changed.wait()
            elif any(slot.cached < len(slot.tokens) - 1 or not slot.answer.first_at for slot in busy):  # type: ignore[union-attr]
                self._read_prompts(busy)
            else:
                self._decode(busy)
        for slot in self._slots:
            if slot.answer is not None:
                self._end(slot, "cancelled")
        while self._queue:
            self._refuse(self._queue.popleft(), EngineError("The model was closed.", "Ask again."))

    def _drop_cancelled(self) -> None:
        self._model.abort_flag[0] = b"\x00"
        for slot in self._slots:
            if slot.answer is not None and slot.answer.job.cancelled:
                self._end(slot, "cancelled")
        with self._changed:
            gone = [job for job in self._queue if job.cancelled]
            for job in gone:
                self._queue.remove(job)
        for job in gone:
            Answer(job, lambda _: NO_TOKEN, lambda: None, (), 0).finish("cancelled")

    def _refuse(self, job: Job, error: Exception) -> None:
        job.put(error)

    def _admit(self) -> None:
        """Moves requests from the queue into idle slots, in order; the first that does not fit yet holds the rest."""
        while self._queue:
            idle = [slot for slot in self._slots if slot.answer is None]
            job = self._queue[0]
            taken = sum(len(slot.tokens) for slot in self._slots if slot.answer is not None)
            fits = taken + len(job.prompt) < self._model.info.context_tokens
            if not idle or not fits:
                return
            with self._changed:
                self._queue.popleft()
            try:
                self._begin(job, idle)
            except RequestError as error:
                self._refuse(job, error)

    def _begin(self, job: Job, idle: Sequence[Slot]) -> None:
        model, request = self._model, job.request
        room = model.info.context_tokens - len(job.prompt)
        limit = room if request.max_tokens is None else min(room, request.max_tokens)
        chain = build_chain(request.sampling, model.vocabulary, job.prompt, model.info.context_tokens)
        if request.grammar is None:
            draw, close = plain_draw(chain, model.context), chain.close
        else:
            try:
                grammar = GrammarDraw(request.grammar, chain, model.context, model.vocabulary, self._candidates)
            except RequestError:
                chain.close()
                raise
            draw = grammar

            def close() -> None:
                grammar.close()
                chain.close()

        answer = Answer(job, draw, close, model.vocabulary.pieces, limit)
        slot = self._choose_slot(job.prompt, CacheKey(), idle)
        kept = min(slot.cached, len(job.prompt) - 1)
        self._keep(slot, kept)
        answer.cached_tokens = slot.cached
        slot.tokens = list(job.prompt)
        slot.session = request.session
        slot.answer = answer
        with self._changed:
            self._counts["prompt"] += len(job.prompt)
            self._counts["cached"] += answer.cached_tokens

    def _choose_slot(self, prompt: Sequence[int], key: CacheKey, idle: Sequence[Slot]) -> Slot:
        """The idle slot that goes on with this conversation, else the least used one, with the longest prefix that
        any slot holds shared into it. Ends with `slot.tokens` being a prefix of the prompt, all in the cache."""
        matches = {slot: self._match(slot, prompt, key) for slot in self._slots}
        own = max(idle, key=lambda slot: matches[slot])
        if matches[own] and matches[own] * 2 >= own.cached:
            self._keep(own, matches[own])
            return own
        slot = min(idle, key=lambda slot: (slot.cached > 0, slot.used_at))
        source = max(self._slots, key=lambda other: matches[other])
        length = matches[source]
        if source is slot:
            self._keep(slot, length)
            return slot
        self._clear(slot)
        if length:
            native.llama_memory_seq_cp(self._model.memory, source.index, slot.index, 0, length)
            slot.tokens = list(prompt[:length])
            slot.cached = length
        slot.key = key
        return slot

    def _match(self, slot: Slot, prompt: Sequence[int], key: CacheKey) -> int:
        return min(slot.cached, common_prefix(slot.tokens, prompt)) if slot.key == key else 0

    def _keep(self, slot: Slot, length: int) -> None:
        """Cuts the slot's cache to `length` tokens; architectures that cannot cut forget it all."""
        if not native.llama_memory_seq_rm(self._model.memory, slot.index, length, -1):
            self._clear(slot)
            return
        slot.truncate(length)

    def _clear(self, slot: Slot) -> None:
        native.llama_memory_seq_rm(self._model.memory, slot.index, -1, -1)
        slot.forget()

    def _read_prompts(self, busy: Sequence[Slot]) -> None:
        """One mixed batch: a token of every answer under way, and as much of the prompts as fits the time."""
        batch = self._batch
        batch.clear()
        drawing: list[tuple[Slot, int]] = []
        reading = [slot for slot in busy if not slot.answer.first_at]  # type: ignore[union-attr]
        for slot in busy:
            if slot not in reading:
                drawing.append((slot, batch.add(slot.tokens[-1], slot.cached, slot.index, wanted=True)))
        budget = self._chunk_tokens(others=len(drawing))
        fed: list[tuple[Slot, int]] = [(slot, 1) for slot, _ in drawing]
        for slot in sorted(reading, key=lambda slot: slot.answer.started_at):  # type: ignore[union-attr]
            count = min(budget, len(slot.tokens) - slot.cached)
            if not count:
                continue
            last = len(slot.tokens) - 1
            index = 0
            for position in range(slot.cached, slot.cached + count):
                index = batch.add(slot.tokens[position], position, slot.index, wanted=position == last)
            if slot.cached + count == len(slot.tokens):
                drawing.append((slot, index))
            fed.append((slot, count))
            budget -= count
        began = time.perf_counter()
        status = native.llama_decode(self._model.context, batch.native)
        if status:
            self._recover(status, [slot for slot, _ in fed])
            return
        self._learn_rate(len(batch), time.perf_counter() - began)
        for slot, count in fed:
            slot.cached += count
        for slot, index in drawing:
            self._take(slot, index)

    def _chunk_tokens(self, others: int) -> int:
        room = self._batch.size - others
        if not others:
            return room
        return min(room, max(CHUNK_TOKENS_MIN, int(self._prefill_rate * CHUNK_SECONDS)))

    def _learn_rate(self, tokens: int, seconds: float) -> None:
        if tokens >= CHUNK_TOKENS_MIN:
            rate = tokens / max(seconds, 1e-6)
            self._prefill_rate = rate if not self._prefill_rate else 0.7 * self._prefill_rate + 0.3 * rate

    def _take(self, slot: Slot, index: int) -> None:
        """Draws a token outside the fast loop, and hands it over at once where it is an answer's first."""
        answer = slot.answer
        assert answer is not None
        token = answer.draw(index)
        first = not answer.first_at
        if first:
            answer.first_at = time.perf_counter()
        answer.generated += 1
        if token in self._model.vocabulary.ends or token == NO_TOKEN:
            self._end(slot, "stop")
            return
        slot.tokens.append(token)
        answer.pending.append(token)
        stopped = answer.flush()
        if stopped:
            self._end(slot, "stop")
        elif answer.generated >= answer.limit:
            self._end(slot, "length")

    def _decode(self, busy: Sequence[Slot]) -> None:
        """Decodes until something else is to be done. A token costs little more here than in a bare C loop."""
        batch = self._batch
        batch.clear()
        rows = []
        for slot in busy:
            answer = slot.answer
            assert answer is not None
            index = batch.add(slot.tokens[-1], slot.cached, slot.index, wanted=True)
            left = answer.limit - answer.generated
            rows.append((index, slot, answer, answer.draw, slot.tokens.append, answer.pending, left))
        steps = min(row[-1] for row in rows)
        tokens, positions, ends = batch.tokens, batch.positions, self._model.vocabulary.ends
        decode, context, native_batch, now = (
            native.llama_decode, self._model.context, batch.native, time.perf_counter,
        )  # fmt: skip
        due = now() + SLICE_SECONDS
        done = 0
        ended: list[Slot] = []
        while not ended and not self._interrupted and done < steps:
            status = decode(context, native_batch)
            if status:
                break
            done += 1
            for index, slot, answer, draw, append, _pending, _ in rows:
                token = draw(index)
                if token in ends or token == NO_TOKEN:
                    ended.append(slot)
                else:
                    append(token)
                    answer.pending.append(token)
                    tokens[index] = token
                positions[index] += 1
            if now() >= due:
                ended += [slot for _, slot, answer, *_ in rows if slot not in ended and answer.flush()]
                due = now() + SLICE_SECONDS
        else:
            status = 0
        for _, slot, answer, *_ in rows:
            slot.cached += done
            answer.generated += done
        for _, slot, answer, *_ in rows:
            if slot in ended or answer.stream.stopped or answer.flush():
                self._end(slot, "stop")
            elif answer.generated >= answer.limit:
                self._end(slot, "length")
        if status:
            self._recover(status, [slot for slot in busy if slot.answer is not None])

    def _end(self, slot: Slot, reason: str) -> None:
        answer, slot.answer = slot.answer, None
        assert answer is not None
        ended = answer.finish(reason)
        answer.close()
        slot.truncate(slot.cached)
        slot.used_at = time.perf_counter()
        with self._changed:
            self._counts["generated"] += ended.usage.completion_tokens
            seconds = slot.used_at - answer.started_at
            self._seconds_per_job = 0.8 * self._seconds_per_job + 0.2 * seconds

    def _recover(self, status: int, fed: Sequence[Slot]) -> None:
        """After a refused batch: cut what part of it got into the cache, then make room, or end what cannot go on."""
        for slot in fed:
            native.llama_memory_seq_rm(self._model.memory, slot.index, slot.cached, -1)
        if status == _ABORTED:
            return
        if status == _FULL:
            self._make_room(fed)
            return
        log.error("llama_decode failed with status %d", status)
        for slot in fed:
            answer, slot.answer = slot.answer, None
            if answer is not None:
                answer.close()
                self._refuse(answer.job, EngineError("The model failed on this answer.", "Ask again."))
            self._clear(slot)

    def _make_room(self, fed: Sequence[Slot]) -> None:
        idle = [slot for slot in self._slots if slot.answer is None and slot.cached]
        if idle:
            self._clear(min(idle, key=lambda slot: slot.used_at))
        else:
            self._end(max(fed, key=lambda slot: slot.cached), "length")
