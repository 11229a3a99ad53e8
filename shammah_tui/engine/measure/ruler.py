"""Answers, likelihoods and divergences over rows of tokens. Figures are sums and means in nats; nothing is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shammah_tui.engine.measure.decoder import SEQUENCES, Decoder, Logits, Span
from shammah_tui.errors import ContextOverflow

# Logits that may be kept at once while two models are compared: 128 MiB of float32.
KEPT_LOGITS = 1 << 25


@dataclass(frozen=True, slots=True)
class Row:
    prompt: list[int]
    answer: list[int]

    @property
    def cells(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(slots=True)
class Draft:
    """An answer under way in a sequence."""

    number: int
    prompt: Sequence[int]
    random: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    ended: bool = False


def answers(
    decoder: Decoder, prompts: Sequence[Sequence[int]], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
) -> list[Draft]:
    """One answer a prompt, in order; greedy at temperature 0. `ended`: it closed itself with an end token."""
    shared = decoder.share(prompts)
    drafts = [Draft(n, prompt, np.random.default_rng((seed, n))) for n, prompt in enumerate(prompts)]
    waiting = list(reversed(drafts))
    free = list(range(SEQUENCES - 1, 0, -1))
    cells = decoder.info.context_tokens - shared
    active: dict[int, Draft] = {}
    while waiting or active:
        spans = [Span(at, len(d.prompt) + len(d.tokens) - 1, d.tokens[-1:], 0) for at, d in active.items()]
        while waiting and free:
            needed = len(waiting[-1].prompt) - shared + max_tokens
            if needed > cells:
                break
            cells -= needed
            draft, at = waiting.pop(), free.pop()
            active[at] = draft
            decoder.open(at)
            rest = draft.prompt[shared:]
            spans.append(Span(at, shared, rest, len(rest) - 1))
        if not spans:
            raise _too_long(decoder, len(waiting[-1].prompt) + max_tokens)
        for span, _, logits in decoder.feed(spans):
            draft = active[span.sequence]
            token = _choose(logits, temperature, draft.random)
            draft.ended = token in decoder.vocabulary.ends
            if not draft.ended:
                draft.tokens.append(token)
            if draft.ended or len(draft.tokens) == max_tokens:
                del active[span.sequence]
                free.append(span.sequence)
                cells += len(draft.prompt) - shared + max_tokens
                decoder.drop(span.sequence)
    return drafts


def scores(decoder: Decoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each row: log-probability of the answer given the prompt (nats), its tokens, and whether greedy says it."""
    found = [{"logprob": 0.0, "tokens": len(row.answer), "greedy": True} for row in rows]
    for number, index, logits in _read(decoder, rows):
        target = rows[number].answer[index]
        found[number]["logprob"] += float(_log_probabilities(logits)[target])
        found[number]["greedy"] = bool(found[number]["greedy"] and int(logits.argmax()) == target)
    return found


def divergence(decoder: Decoder, rows: Sequence[Row], path: Path, scales: Sequence[float]) -> dict[str, Any]:
    """NLL of the answers under the base and under the adapter, and KL(base ‖ adapter), in nats a token."""
    nll = 0.0
    totals = {scale: [0.0, 0.0] for scale in scales}
    count = sum(len(row.answer) for row in rows)
    for part in _parts(rows, max(1, KEPT_LOGITS // decoder.vocabulary.size)):
        decoder.set_adapter(None)
        base = {(number, index): _log_probabilities(logits) for number, index, logits in _read(decoder, part)}
        nll -= sum(float(found[part[number].answer[index]]) for (number, index), found in base.items())
        for scale in scales:
            decoder.set_adapter(path, scale)
            for number, index, logits in _read(decoder, part):
                before, after = base[number, index], _log_probabilities(logits)
                totals[scale][0] -= float(after[part[number].answer[index]])
                totals[scale][1] += float(np.sum(np.exp(before) * (before - after)))
    decoder.set_adapter(None)
    return {
        "tokens": count,
        "nll": nll / max(1, count),
        "scales": [{"scale": s, "nll": t[0] / max(1, count), "kl": t[1] / max(1, count)} for s, t in totals.items()],
    }


def _read(decoder: Decoder, rows: Sequence[Row]) -> Iterator[tuple[int, int, Logits]]:
    """(row, index in its answer, logits that predict that token), several rows at a time."""
    shared = decoder.share([row.prompt for row in rows])
    at = 0
    while at < len(rows):
        spans: list[Span] = []
        cells = decoder.info.context_tokens - shared
        first = at
        while at < len(rows) and len(spans) < SEQUENCES - 1 and rows[at].cells - shared <= cells:
            row = rows[at]
            tokens = [*row.prompt[shared:], *row.answer[:-1]]
            sequence = at - first + 1
            decoder.open(sequence)
            spans.append(Span(sequence, shared, tokens, len(row.prompt) - shared - 1))
            cells -= row.cells - shared
            at += 1
        if not spans:
            raise _too_long(decoder, rows[at].cells)
        for span, offset, logits in decoder.feed(spans):
            yield first + span.sequence - 1, offset - span.wanted, logits
        for span in spans:
            decoder.drop(span.sequence)


def _parts(rows: Sequence[Row], tokens_max: int) -> Iterator[list[Row]]:
    part: list[Row] = []
    held = 0
    for row in rows:
        if part and held + len(row.answer) > tokens_max:
            yield part
            part, held = [], 0
        part.append(row)
        held += len(row.answer)
    if part:
        yield part


def _choose(logits: Logits, temperature: float, random: np.random.Generator) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    weights = np.exp((logits - logits.max()) / temperature, dtype=np.float64)
    return int(random.choice(len(weights), p=weights / weights.sum()))


def _log_probabilities(logits: Logits) -> Logits:
    """Shape (vocabulary,); a copy, so that it outlives the context's buffer."""
    shifted = logits - logits.max()
    found: Logits = shifted - np.log(np.exp(shifted).sum())
    return found


def _too_long(decoder: Decoder, tokens: int) -> ContextOverflow:
    context = decoder.info.context_tokens
    return ContextOverflow(
        f"A row is {tokens:,} tokens long, and the model reads {context:,}.",
        prompt_tokens=tokens,
        context_tokens=context,
    )
