"""Qwen2's forward pass over batches of groups, on the parameters of transformers' own model.

What is read once a group (the head) attends to itself; what follows it attends to its head and to its own
conversation. All tokens of a batch stand in one line without padding, and attention is computed a chunk of the line at
a time, over what that chunk can see: on a processor, most of the time would else go into what a mask throws away. In
the last layer only those tokens ask from which another is foreseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, silu

from scripts.demo_model.packing import Batch

CHUNK = 128
CHUNK_ON_GPU = 1024
"""Tokens that ask at once: few, so that little is computed that a mask hides; more, where starting a kernel costs."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that ask at once, and what they see: places in the line, for `asking` among those that ask."""

    asking: slice
    head: slice
    own: slice
    mask: Tensor
    """(asking, own): zero, and minus infinity where a token of another conversation or a later one stands."""


class Attention(torch.autograd.Function):
    """Attention a chunk at a time, in the processor's cache: in half the time of PyTorch's own kernel there.

    Queries (heads, asking, size), keys and values (heads, tokens, size).
    """

    @staticmethod
    def forward(context: Any, queries: Tensor, keys: Tensor, values: Tensor, chunks: Sequence[Chunk]) -> Tensor:
        queries = queries * queries.shape[-1] ** -0.5
        found = torch.empty_like(queries)
        weights = []
        for chunk in chunks:
            scores = queries[:, chunk.asking] @ _seen(keys, chunk).mT
            scores[..., -chunk.mask.shape[1] :] += chunk.mask
            weights.append(torch.softmax(scores, dim=-1).to(values.dtype))
            found[:, chunk.asking] = weights[-1] @ _seen(values, chunk)
        context.chunks = chunks
        context.save_for_backward(queries, keys, values, *weights)
        return found

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, values, *weights = context.saved_tensors
        of_queries, of_keys, of_values = torch.empty_like(queries), torch.zeros_like(keys), torch.zeros_like(values)
        for chunk, weight in zip(context.chunks, weights, strict=True):
            asked = gradient[:, chunk.asking]
            _add_seen(of_values, chunk, weight.mT @ asked)
            of_scores = torch._softmax_backward_data(asked @ _seen(values, chunk).mT, weight, -1, weight.dtype)
            torch.matmul(of_scores, _seen(keys, chunk), out=of_queries[:, chunk.asking])
            _add_seen(of_keys, chunk, of_scores.mT @ queries[:, chunk.asking])
        return of_queries * queries.shape[-1] ** -0.5, of_keys, of_values, None


def _seen(part: Tensor, chunk: Chunk) -> Tensor:
    return torch.cat((part[:, chunk.head], part[:, chunk.own]), dim=1)


def _add_seen(part: Tensor, chunk: Chunk, found: Tensor) -> None:
    own = chunk.mask.shape[1]
    part[:, chunk.head] += found[:, :-own]
    part[:, chunk.own] += found[:, -own:]


class Layout:
    """Where the tokens of a batch stand: all of them in one line, the heads first."""

    def __init__(self, batch: Batch, device: torch.device) -> None:
        self.kind = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        self._device = device
        in_heads = np.arange(batch.heads.shape[1]) < batch.head_lengths[:, None]
        in_blocks = batch.segments >= 0
        heads = int(in_heads.sum())
        self.tokens = self._tensor(np.concatenate((batch.heads[in_heads], batch.tokens[in_blocks])))
        self.positions = self._tensor(np.concatenate((in_heads.nonzero()[1], batch.positions[in_blocks])))
        # Which tokens count is known beforehand: the device need not be asked, so it is never waited for.
        weights = batch.weights[in_blocks]
        counted = weights.nonzero()[0]
        self.weights = self._tensor(weights[counted])
        before = counted + heads - 1
        self.before, self.foreseen = self._tensor(before), self.tokens[self._tensor(before + 1)]
        spans = list(_spans(batch.head_lengths, in_blocks.sum(axis=2)))
        conversations = np.concatenate((np.full(heads, -1), batch.segments[in_blocks]))
        self.chunks = self._chunks(spans, conversations, np.arange(len(conversations)))
        self.last_chunks = self._chunks(spans, conversations, before)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _chunks(
        self, spans: Sequence[tuple[slice, slice]], conversations: NDArray[np.int64], asking: NDArray[np.int64]
    ) -> list[Chunk]:
        """`asking`: the places of those that ask, in their order."""
        size = CHUNK if self._device.type == "cpu" else CHUNK_ON_GPU
        slices, hidden = [], []
        for head, span in spans:
            for start in range(span.start, span.stop, size):
                end = min(start + size, span.stop)
                chosen = slice(*np.searchsorted(asking, (start, end)).tolist())
                places = asking[chosen]
                if not len(places):
                    continue
                # Conversations that are over are not computed at all.
                first = span.start + int((conversations[span] == conversations[start]).argmax())
                own = np.arange(first, end)
                slices.append((chosen, head, slice(first, end)))
                hidden.append((conversations[places, None] != conversations[own]) | (own > places[:, None]))
        # One transfer for all of them: a GPU waits for each.
        whole = torch.from_numpy(np.concatenate([np.zeros(0, bool), *(part.ravel() for part in hidden)]))
        masks = torch.zeros(len(whole), dtype=self.kind).masked_fill_(whole, -torch.inf).to(self._device)
        sizes = [part.size for part in hidden]
        return [
            Chunk(*three, mask.view(part.shape))
            for three, part, mask in zip(slices, hidden, masks.split(sizes), strict=True)
        ]


def _spans(head_lengths: NDArray[np.int64], block_lengths: NDArray[np.int64]) -> Iterator[tuple[slice, slice]]:
    """For each head and each block the head that it sees (none, where it is one), and its own place in the line."""
    at = 0
    heads = []
    for length in head_lengths.tolist():
        heads.append(slice(at, at + length))
        yield slice(at, at), heads[-1]
        at += length
    for head, lengths in zip(heads, block_lengths.tolist(), strict=True):
        for length in lengths:
            yield head, slice(at, at + length)
            at += length


def _rotated(states: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions; `states`: (heads, tokens, size), angles: (tokens, size)."""
    first, second = states.chunk(2, dim=-1)
    return states * angles[0] + torch.cat((-second, first), dim=-1) * angles[1]


def _layer(layer: Any, states: Tensor, layout: Layout, angles: tuple[Tensor, Tensor], *, is_last: bool) -> Tensor:
    """States after a layer; after the last one only of those tokens from which another is foreseen."""
    attention, feed = layer.self_attn, layer.mlp
    given = layer.input_layernorm(states)

    def projected(by: Any, states: Tensor) -> Tensor:
        found: Tensor = by(states).unflatten(-1, (-1, attention.head_dim)).transpose(0, 1)
        return found

    keys, values = _rotated(projected(attention.k_proj, given), angles), projected(attention.v_proj, given)
    if is_last:
        states, given = states.index_select(0, layout.before), given.index_select(0, layout.before)
        angles = angles[0][layout.before], angles[1][layout.before]
    queries = _rotated(projected(attention.q_proj, given), angles)
    share = queries.shape[0] // keys.shape[0]
    keys, values = (part.repeat_interleave(share, dim=0) for part in (keys, values))
    parts = [part.to(layout.kind) for part in (queries, keys, values)]
    chunks = layout.last_chunks if is_last else layout.chunks
    found: Tensor = Attention.apply(*parts, chunks)  # type: ignore[no-untyped-call]
    states = states + attention.o_proj(found.transpose(0, 1).flatten(1))
    given = layer.post_attention_layernorm(states)
    widened: Tensor = feed.down_proj(silu(feed.gate_proj(given)) * feed.up_proj(given))
    return states + widened


def logits_of(model: Any, layout: Layout) -> Tensor:
    """Logits for every token that counts in the loss: (tokens, vocabulary)."""
    states = model.model.embed_tokens(layout.tokens)
    cosine, sine = model.model.rotary_emb(states, layout.positions[None])
    *layers, last = model.model.layers
    for layer in layers:
        states = _layer(layer, states, layout, (cosine[0], sine[0]), is_last=False)
    states = _layer(last, states, layout, (cosine[0], sine[0]), is_last=True)
    logits: Tensor = model.lm_head(model.model.norm(states))
    return logits


def batch_loss(model: Any, batch: Batch, device: torch.device) -> Tensor:
    """Cross-entropy in nats, the sum over the tokens that the model shall say; what is given counts with its weight."""
    layout = Layout(batch, device)
    losses = cross_entropy(logits_of(model, layout).float(), layout.foreseen, reduction="none")
    return (losses * layout.weights).sum()
