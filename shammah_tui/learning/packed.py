"""Rows of different lengths in one pass, with no padding in the linear layers and their common beginning read once.

A pack is one sequence `[prefix | rest of row 0 | rest of row 1 | …]`. A token of a row sees the prefix and its own
row. Linear layers, norms and the head work on exactly these tokens; only attention lays the rows side by side. The
model takes it by transformers' attention interface (`ATTENTION` as `attn_implementation`, `layout=` at the call).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

ATTENTION = "shammah_packed"


@dataclass(frozen=True, slots=True)
class Line:
    """A prompt and an answer to it."""

    prompt: Sequence[int]
    answer: Sequence[int]

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.answer) - 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of a pack stand. `own` (rows, longest): index in the pack of each token after the prefix, that of
    the first where a row is over; `seen` (rows, prefix + longest): the same with the prefix before each row; `back`
    (tokens after the prefix): index in the flattened `own`; `back_seen`: in the flattened `seen`; `mask` (longest,
    prefix + longest): a row's token sees the prefix and its row so far."""

    prefix: int
    own: Tensor
    seen: Tensor
    back: Tensor
    back_seen: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Pack:
    """`tokens`, `positions` (1, T); `predicting` (n): index in the pack of the token after which an answer's token
    comes; `labels` (n): that token; `owner` (n): index of its row among those packed."""

    tokens: Tensor
    positions: Tensor
    layout: Layout
    predicting: Tensor
    labels: Tensor
    owner: Tensor
    rows: tuple[int, ...]


def packs(rows: Sequence[Line], tokens_max: int, device: torch.device, lanes: int = 1) -> Iterator[Pack]:
    """All rows, in packs of about as many tokens each: as few as fill the `lanes` evenly and have at most `tokens_max`
    tokens for all lanes together (a longer row is a pack of its own). Shortest rows first, so that rows side by side
    are of like length."""
    order = sorted(range(len(rows)), key=lambda index: rows[index].length)
    for part in _parts(rows, order, tokens_max // lanes, lanes):
        yield _pack(rows, part, device)


def _parts(rows: Sequence[Line], order: Sequence[int], tokens_max: int, lanes: int) -> list[list[int]]:
    count = lanes
    while True:
        parts = _cut(rows, order, count)
        if count >= len(order) or all(_tokens([rows[i] for i in part]) <= tokens_max for part in parts):
            return parts
        count += lanes


def _cut(rows: Sequence[Line], order: Sequence[int], count: int) -> list[list[int]]:
    """At most `count` parts of about as many tokens after the common beginning."""
    if count >= len(order):
        return [[index] for index in order]
    prefix = _common(rows)
    total = sum(row.length - prefix for row in rows)
    parts: list[list[int]] = [[] for _ in range(count)]
    before = 0
    for index in order:
        own = rows[index].length - prefix
        parts[(2 * before + own) * count // (2 * total)].append(index)
        before += own
    return [part for part in parts if part]


def _tokens(rows: Sequence[Line]) -> int:
    prefix = _common(rows)
    return prefix + sum(row.length - prefix for row in rows)


def _common(rows: Sequence[Line]) -> int:
    """Tokens that all prompts begin with, one short of the shortest prompt."""
    low, high = min(list(row.prompt) for row in rows), max(list(row.prompt) for row in rows)
    limit = min(len(row.prompt) for row in rows) - 1
    length = 0
    while len(rows) > 1 and length < limit and low[length] == high[length]:
        length += 1
    return length


def _pack(rows: Sequence[Line], chosen: Sequence[int], device: torch.device) -> Pack:
    held = [rows[index] for index in chosen]
    prefix = _common(held)
    tokens, positions = list(held[0].prompt[:prefix]), list(range(prefix))
    longest = max(row.length for row in held) - prefix
    lengths = [row.length - prefix for row in held]
    own = torch.full((len(held), longest), prefix)
    predicting: list[int] = []
    labels: list[int] = []
    owner: list[int] = []
    for place, row in enumerate(held):
        own[place, : lengths[place]] = torch.arange(lengths[place]) + len(tokens)
        first = len(tokens) + len(row.prompt) - prefix - 1
        predicting += range(first, first + len(row.answer))
        labels += row.answer
        owner += [place] * len(row.answer)
        tokens += [*row.prompt[prefix:], *row.answer[:-1]]
        positions += range(prefix, row.length)
    layout = _layout(prefix, own, lengths, device)
    tensor = torch.tensor
    return Pack(
        tokens=tensor([tokens], device=device),
        positions=tensor([positions], device=device),
        layout=layout,
        predicting=tensor(predicting, device=device),
        labels=tensor(labels, device=device),
        owner=tensor(owner, device=device),
        rows=tuple(chosen),
    )


def _layout(prefix: int, own: Tensor, lengths: Sequence[int], device: torch.device) -> Layout:
    rows, longest = own.shape
    inside = [torch.arange(length) for length in lengths]
    seen = torch.cat([torch.arange(prefix).expand(rows, -1), own], dim=1)
    back = torch.cat([places + row * longest for row, places in enumerate(inside)])
    back_seen = torch.cat([places + row * (prefix + longest) + prefix for row, places in enumerate(inside)])
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    mask = torch.cat([torch.ones(longest, prefix, dtype=torch.bool), causal], dim=1)
    return Layout(prefix, *(each.to(device) for each in (own, seen, back, back_seen, mask)))


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    layout: Layout,
    **_: Any,
) -> tuple[Tensor, None]:
    """Over a pack: query (1, heads, T, width), key and value (1, kv heads, T, width) → (1, T, heads, width)."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    heads, width = query.shape[1], query.shape[3]
    rows, longest = layout.own.shape
    flat = layout.own.reshape(-1) - layout.prefix
    # Split, not sliced: the gradient of all parts is then written once, and never filled with zeros first.
    parts = [states.split([layout.prefix, states.shape[2] - layout.prefix], dim=2) for states in (query, key, value)]
    (asking, own_query), (shared_key, own_key), (shared_value, own_value) = parts

    def beside(states: Tensor) -> Tensor:
        return states[0].index_select(1, flat).view(heads, rows, longest, width).transpose(0, 1)

    keys, values = beside(own_key), beside(own_value)
    if layout.prefix:
        keys = torch.cat([shared_key.expand(rows, -1, -1, -1), keys], dim=2)
        values = torch.cat([shared_value.expand(rows, -1, -1, -1), values], dim=2)
    found = scaled_dot_product_attention(beside(own_query), keys, values, attn_mask=layout.mask, scale=scaling)
    own = found.transpose(1, 2).reshape(rows * longest, heads, width).index_select(0, layout.back)
    if not layout.prefix:
        return own[None], None
    shared = scaled_dot_product_attention(asking, shared_key, shared_value, is_causal=True, scale=scaling)
    return torch.cat([shared[0].transpose(0, 1), own])[None], None


AttentionInterface.register(ATTENTION, attend)
