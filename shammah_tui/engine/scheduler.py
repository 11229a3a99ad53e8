"""Continuous batching: the one thread that owns the llama.cpp context.

Requests wait in a bounded line and are admitted in order into slots of one shared cache. A prompt is read in chunks,
in the same batches that carry the next token of every answer under way, so that a long prompt never freezes another
answer. While nothing but decoding is to be done, `_decode` runs a loop with nothing else in it.

A batch is computed with one adapter. Where answers of several are under way, they take turns, the adapter that waited
longest first, so that base and adapter can be asked side by side and neither waits for the end of the other.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Sequence
from typing import Literal

from shammah_tui.engine.adapter import AdapterShelf
from shammah_tui.engine.answer import Answer
from shammah_tui.engine.batch import Batch
from shammah_tui.engine.cache import SharedCache
from shammah_tui.engine.generation import Job
from shammah_tui.engine.library import native
from shammah_tui.engine.line import WaitingLine
from shammah_tui.engine.model import CHUNK_TOKENS_MIN, NativeModel
from shammah_tui.engine.request import EngineCounts
from shammah_tui.engine.sampling import NO_TOKEN, Candidates
from shammah_tui.engine.session import SessionStore
from shammah_tui.engine.slot import BASE, CacheKey, Slot
from shammah_tui.errors import EngineError

log = logging.getLogger(__name__)

# Text goes to the reader in slices of this length: a wake-up of another thread a token would cost more than a token
# of a small model does. A screen shows no more than some thirty changes a second.
SLICE_SECONDS = 0.03
# While others are answering, one chunk of a prompt may take about this long.
CHUNK_SECONDS = 0.1
SWITCH_SECONDS = 0.001
# So long nobody asks anything before sessions are saved: a program that calls tools is back sooner.
SAVE_AFTER_SECONDS = 2.0
# A turn of the answers of one adapter, while those of others wait.
TURN_SECONDS = 0.25
# llama_decode's status values.
_FULL, _ABORTED = 1, 2


class Scheduler:
    """`submit`, `interrupt`, `counts` and `close` from any thread; all else happens on the scheduler's own."""

    def __init__(self, model: NativeModel, sessions: SessionStore | None) -> None:
        self.adapters = AdapterShelf(model)
        self._model = model
        self._cache = SharedCache(model, sessions)
        self._batch = Batch(model.batch_tokens)
        self._candidates = Candidates(model.vocabulary)
        self._line = WaitingLine(model.info.slots)
        self._turn = BASE
        self._turn_ends = math.inf
        self._had_turn: dict[CacheKey, float] = {}
        """When each adapter with answers under way was last computed with."""
        self._prefill_rate = 0.0
        self._totals = {"prompt": 0, "cached": 0, "generated": 0}
        self._thread = threading.Thread(target=self._run, name="shammah-engine", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queues `job`. Raises `EngineBusy` where the line is full, `EngineError` after `close`."""
        self._line.append(job)

    def interrupt(self, job: Job) -> None:
        """`job` was cancelled: a chunk of its prompt under way is aborted, else the next token is its last."""
        reading = (slot.answer for slot in self._cache.slots)
        if any(answer is not None and answer.job is job and not answer.first_at for answer in reading):
            self._model.abort_flag[0] = b"\x01"
        self._line.interrupt()

    def counts(self) -> EngineCounts:
        return EngineCounts(
            requests_total=self._line.total,
            prompt_tokens_total=self._totals["prompt"],
            cached_tokens_total=self._totals["cached"],
            generated_tokens_total=self._totals["generated"],
            active=len(self._busy()),
            queued=len(self._line),
        )

    def close(self) -> None:
        self._line.close()
        self._model.abort_flag[0] = b"\x01"
        self._thread.join()

    def _busy(self) -> list[tuple[Slot, Answer]]:
        return [(slot, answer) for slot in self._cache.slots if (answer := slot.answer) is not None]

    def _run(self) -> None:
        # Between two tokens this thread asks for the GIL: another that computes in Python gives it up after this long.
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
        try:
            while True:
                self._line.interrupted = False
                self._model.abort_flag[0] = b"\x00"
                # Looked at last: what closes it from here on is heard again.
                if self._line.closed:
                    break
                self._drop_cancelled()
                self._admit()
                busy = self._whose_turn()
                if not busy:
                    self._wait()
                elif all(answer.first_at for _, answer in busy):
                    self._decode(busy)
                else:
                    self._read_prompts(busy)
        finally:
            self._stop()

    def _whose_turn(self) -> list[tuple[Slot, Answer]]:
        """The answers under way that the next batch is for, all of one adapter, which is set."""
        busy, now = self._busy(), time.perf_counter()
        self._had_turn = {slot.key: self._had_turn.get(slot.key, now) for slot, _ in busy}
        if self.adapters.is_crowded:
            wanted = [job.request.adapter for job in self._line.waiting()]
            self.adapters.trim({key.adapter for key in self._had_turn} | {use.identity for use in wanted if use})
        if not busy:
            return []
        if self._turn not in self._had_turn or now >= self._turn_ends:
            self._turn = min(self._had_turn, key=lambda key: self._had_turn[key])
            self._turn_ends = now + TURN_SECONDS
        if len(self._had_turn) == 1:
            self._turn_ends = math.inf
        elif self._turn_ends == math.inf:
            self._turn_ends = now + TURN_SECONDS
        self._had_turn[self._turn] = now
        group = [(slot, answer) for slot, answer in busy if slot.key == self._turn]
        try:
            self.adapters.use(self._turn)
        except EngineError as error:
            self._fail([slot for slot, _ in group], error)
            return self._whose_turn()
        return group

    def _wait(self) -> None:
        """Until something is to be done. A conversation that pauses is kept on disk meanwhile: an engine that is
        killed could not do it any more."""
        if not self._line.wait(SAVE_AFTER_SECONDS if self._cache.has_unsaved() else None):
            self._cache.save_next()

    def _stop(self) -> None:
        self._line.close()
        for slot, _ in self._busy():
            self._end(slot, "cancelled")
        for job in self._line.clear():
            job.put(EngineError("The model was closed before it could answer.", "Ask again."))
        for slot in self._cache.slots:
            self._cache.save(slot)

    def _drop_cancelled(self) -> None:
        for slot, answer in self._busy():
            if answer.job.cancelled:
                self._end(slot, "cancelled")
        for job in self._line.remove_cancelled():
            job.put(Answer.unstarted(job).finish("cancelled"))

    def _admit(self) -> None:
        """Moves requests from the line into idle slots, in order; the first that does not fit yet holds the rest."""
        while (job := self._line.first()) is not None:
            taken = sum(len(slot.tokens) for slot, _ in self._busy())
            if taken + len(job.prompt) >= self._model.info.context_tokens:
                return
            slot = self._cache.prepare(job.prompt, _cache_key(job), job.request.session)
            if slot is None:
                return
            self._line.pop()
            answer = Answer.begun(job, self._model, self._candidates, slot.cached)
            answer.gauge(self._model)
            slot.tokens = list(job.prompt)
            slot.answer = answer
            self._totals["prompt"] += len(job.prompt)
            self._totals["cached"] += answer.cached_tokens

    def _read_prompts(self, busy: Sequence[tuple[Slot, Answer]]) -> None:
        """One mixed batch: a token of every answer under way, and as much of the prompts as fits the time."""
        batch = self._batch
        batch.clear()
        decoding = [slot for slot, answer in busy if answer.first_at]
        reading = [entry for entry in busy if not entry[1].first_at]
        fed = dict.fromkeys(decoding, 1)
        drawing = {slot: batch.add(slot.tokens[-1], slot.cached, slot.index, wanted=True) for slot in decoding}
        budget = self._chunk_tokens(decoding=len(decoding))
        for slot, _ in sorted(reading, key=lambda entry: entry[1].started_at):
            count = min(budget, len(slot.tokens) - slot.cached)
            if count:
                index = batch.add_prompt(slot.tokens, slot.cached, count, slot.index)
                fed[slot] = count
                if slot.cached + count == len(slot.tokens):
                    drawing[slot] = index
                budget -= count
        began = time.perf_counter()
        status = native.llama_decode(self._model.context, batch.native)
        if status:
            self._recover(status, list(fed))
            return
        self._learn_rate(len(batch), time.perf_counter() - began)
        for slot, count in fed.items():
            slot.cached += count
        for slot, index in drawing.items():
            self._draw_once(slot, index)

    def _chunk_tokens(self, decoding: int) -> int:
        room = self._batch.size - decoding
        if not decoding and self._turn_ends == math.inf:
            return room
        return min(room, max(CHUNK_TOKENS_MIN, int(self._prefill_rate * CHUNK_SECONDS)))

    def _learn_rate(self, tokens: int, seconds: float) -> None:
        if tokens >= CHUNK_TOKENS_MIN:
            rate = tokens / max(seconds, 1e-6)
            self._prefill_rate = rate if not self._prefill_rate else 0.7 * self._prefill_rate + 0.3 * rate

    def _draw_once(self, slot: Slot, index: int) -> None:
        """Draws a token outside the fast loop, and hands it over at once."""
        answer = slot.answer
        assert answer is not None
        token = answer.draw(index)
        answer.first_at = answer.first_at or time.perf_counter()
        if token in self._model.vocabulary.ends or token == NO_TOKEN:
            self._end(slot, "stop")
            return
        slot.tokens.append(token)
        answer.pending.append(token)
        if answer.flush():
            self._end(slot, "stop")
        elif answer.generated >= answer.limit:
            self._end(slot, "length")

    def _decode(self, busy: Sequence[tuple[Slot, Answer]]) -> None:
        """Decodes until something else is to be done. The loop's own work is a few microseconds a token."""
        batch, line = self._batch, self._line
        batch.clear()
        for slot, _ in busy:
            batch.add(slot.tokens[-1], slot.cached, slot.index, wanted=True)
        rows = [
            (row, answer.draw, slot.tokens.append, answer.pending.append) for row, (slot, answer) in enumerate(busy)
        ]
        left = min(answer.limit - answer.generated for _, answer in busy)
        decode, context, feed = native.llama_decode, self._model.context, batch.native
        tokens, positions, ends, now = batch.tokens, batch.positions, self._model.vocabulary.ends, time.perf_counter
        status = done = 0
        ended: set[int] = set()
        due = now() + SLICE_SECONDS
        until = self._turn_ends
        while done < left and not ended and not line.interrupted:
            status = decode(context, feed)
            if status:
                break
            done += 1
            for row, draw, remember, hand_over in rows:
                token = draw(row)
                if token in ends or token < 0:
                    ended.add(row)
                    continue
                remember(token)
                hand_over(token)
                tokens[row] = token
                positions[row] += 1
            if now() >= due:
                ended.update(row for row, (_, answer) in enumerate(busy) if row not in ended and answer.flush())
                due = now() + SLICE_SECONDS
                if due >= until:
                    break
        for slot, _ in busy:
            slot.cached += done
        for row, (slot, answer) in enumerate(busy):
            if row in ended or answer.flush():
                self._end(slot, "stop")
            elif answer.generated >= answer.limit:
                self._end(slot, "length")
        if status:
            self._recover(status, [slot for slot, _ in self._busy()])

    def _end(self, slot: Slot, reason: Literal["stop", "length", "cancelled"]) -> None:
        answer, slot.answer = slot.answer, None
        assert answer is not None
        ended = answer.finish(reason)
        slot.truncate(slot.cached)
        slot.used_at = time.perf_counter()
        self._totals["generated"] += answer.generated
        self._line.learn_duration(slot.used_at - answer.started_at)
        answer.job.put(ended)  # last: whoever reads it finds the slot free and the counts right

    def _recover(self, status: int, fed: Sequence[Slot]) -> None:
        """After a refused batch: cut what part of it got into the cache, then make room, or end what cannot go on."""
        for slot in fed:
            self._cache.roll_back(slot)
        if status == _ABORTED:
            return
        if status == _FULL:
            if not self._cache.evict():
                self._end(max(fed, key=lambda slot: slot.cached), "length")
            return
        log.error("llama_decode failed with status %d", status)
        self._fail(fed, EngineError("The model failed on this answer.", "Ask again."))

    def _fail(self, slots: Sequence[Slot], error: EngineError) -> None:
        for slot in slots:
            answer, slot.answer = slot.answer, None
            if answer is not None:
                answer.fail(error)
            self._cache.clear(slot)


def _cache_key(job: Job) -> CacheKey:
    use = job.request.adapter
    return CacheKey(use.identity, use.scale) if use is not None and use.scale else BASE
