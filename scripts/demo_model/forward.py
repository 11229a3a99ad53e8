"""Qwen2's forward pass over batches of groups, on the parameters of transformers' own model.

What is read once a group (the head) attends to itself; each block attends to its head and to itself. So no token is
computed twice and no attention is computed that a mask would throw away, which is most of the time on a processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention, silu

from scripts.demo_model.packing import Batch

SLICE = 512
"""Tokens of a block whose attention is computed at once."""


def _rotated(states: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions; `states`: (tokens, heads, size), angles: (tokens, 1, size)."""
    first, second = states.chunk(2, dim=-1)
    return states * angles[0] + torch.cat((-second, first), dim=-1) * angles[1]


class _Attention(torch.autograd.Function):
    """Attention one sequence at a time, in the processor's cache: half the time of PyTorch's own kernel there.

    Queries (count, heads, asking, size), keys and values (count, heads, seen, size), mask (count, 1, asking, seen).
    """

    @staticmethod
    def forward(context: Any, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        queries = queries * queries.shape[-1] ** -0.5
        weights = []
        found = torch.empty_like(queries)
        for at in range(len(queries)):
            weights.append(torch.softmax((queries[at] @ keys[at].mT).add_(mask[at]), dim=-1))
            torch.matmul(weights[-1], values[at], out=found[at])
        context.save_for_backward(queries, keys, values, *weights)
        return found

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, values, *weights = context.saved_tensors
        of_queries, of_keys, of_values = (torch.empty_like(part) for part in (queries, keys, values))
        for at, weight in enumerate(weights):
            torch.matmul(weight.mT, gradient[at], out=of_values[at])
            of_scores = torch._softmax_backward_data(gradient[at] @ values[at].mT, weight, -1, weight.dtype)
            torch.matmul(of_scores, keys[at], out=of_queries[at])
            torch.matmul(of_scores.mT, queries[at], out=of_keys[at])
        return of_queries * queries.shape[-1] ** -0.5, of_keys, of_values, None


def attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    if queries.device.type != "cpu":
        return scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    parts = [part.to(mask.dtype).contiguous() for part in (queries, keys, values)]
    found: Tensor = _Attention.apply(*parts, mask)  # type: ignore[no-untyped-call]
    return found


class Layout:
    """Where the tokens of a batch stand: all of them in one line, the heads first."""

    def __init__(self, batch: Batch, device: torch.device) -> None:
        self.groups, self.head = batch.heads.shape
        self.blocks, self.length = batch.tokens.shape[1:]
        self._firsts = [_first_seen(batch, start) for start in range(0, self.length, SLICE)]
        self._heads = self.groups * self.head
        lengths = torch.from_numpy(batch.head_lengths).to(device)
        tokens, positions, segments = (
            torch.from_numpy(array).to(device) for array in (batch.tokens, batch.positions, batch.segments)
        )
        places = torch.arange(self.head, device=device)
        self.tokens = torch.cat((torch.from_numpy(batch.heads).to(device).flatten(), tokens.flatten()))
        self.positions = torch.cat((places.repeat(self.groups), positions.flatten()))
        own = segments[..., :, None] == segments[..., None, :]
        own &= torch.ones(self.length, self.length, dtype=torch.bool, device=device).tril()
        given = (places < lengths[:, None])[:, None, None, :]
        shape = (self.groups, self.blocks, self.length, self.head)
        allowed = torch.cat((given.expand(shape), own), dim=-1).flatten(0, 1)[:, None]
        kind = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        self.mask = torch.zeros(allowed.shape, dtype=kind, device=device).masked_fill_(~allowed, float("-inf"))
        # Which tokens count is known beforehand: the device need not be asked, so it is never waited for.
        weights = batch.weights.reshape(-1)
        counted = weights.nonzero()[0]
        self.weights = torch.from_numpy(weights[counted]).to(device)
        places_of = torch.from_numpy(counted).to(device) + self._heads
        self.foreseen, self.before = self.tokens[places_of], places_of - 1

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """All of the shape (tokens, heads, size)."""
        heads, own = [], []
        for part in (queries, keys, values):
            first, rest = part.split((self._heads, part.shape[0] - self._heads))
            heads.append(first.view(self.groups, self.head, *part.shape[1:]).transpose(1, 2))
            own.append(rest.view(self.groups, self.blocks, self.length, *part.shape[1:]).transpose(2, 3))
        seen = [
            torch.cat((head[:, None].expand(-1, self.blocks, -1, -1, -1), block), dim=-2).flatten(0, 1)
            for head, block in zip(heads[1:], own[1:], strict=True)
        ]
        in_heads = scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
        in_blocks = self._attend_in_blocks(own[0].flatten(0, 1), *seen)
        return torch.cat([part.transpose(1, 2).flatten(0, 1).flatten(1) for part in (in_heads, in_blocks)])

    def _attend_in_blocks(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Long blocks in slices: what lies behind a slice, and conversations that are over, are not computed at all."""
        found = []
        for start, first in zip(range(0, self.length, SLICE), self._firsts, strict=True):
            end = min(start + SLICE, self.length)
            given, told = self._seen(keys, first, end), self._seen(values, first, end)
            mask = self._seen(self.mask[:, :, start:end].mT, first, end).mT
            found.append(attention(queries[:, :, start:end], given, told, mask))
        return torch.cat(found, dim=2)

    def _seen(self, part: Tensor, first: int, end: int) -> Tensor:
        """The head, and of the block the tokens from `first` to `end`; `part`: (count, heads, head + block, size)."""
        if not first:
            return part[:, :, : self.head + end]
        return torch.cat((part[:, :, : self.head], part[:, :, self.head + first : self.head + end]), dim=2)


def _first_seen(batch: Batch, start: int) -> int:
    """The first token of a block that any token from `start` on sees: conversations before are over in all blocks."""
    own = batch.segments[..., start, None] == batch.segments
    return min(start, int(np.where(batch.segments[..., start] >= 0, own.argmax(axis=-1), start).min()))


def _layer(layer: Any, states: Tensor, layout: Layout, angles: tuple[Tensor, Tensor]) -> Tensor:
    attention, feed = layer.self_attn, layer.mlp
    given = layer.input_layernorm(states)
    size = attention.head_dim
    queries, keys, values = (
        project(given).unflatten(-1, (-1, size)) for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    share = queries.shape[1] // keys.shape[1]
    queries, keys = _rotated(queries, angles), _rotated(keys, angles)
    keys, values = (part.repeat_interleave(share, dim=1) for part in (keys, values))
    states = states + attention.o_proj(layout.attend(queries, keys, values))
    given = layer.post_attention_layernorm(states)
    widened: Tensor = feed.down_proj(silu(feed.gate_proj(given)) * feed.up_proj(given))
    return states + widened


def logits_of(model: Any, layout: Layout) -> Tensor:
    """Logits for every token that counts in the loss: (tokens, vocabulary)."""
    states = model.model.embed_tokens(layout.tokens)
    cosine, sine = model.model.rotary_emb(states, layout.positions[None])
    angles = (cosine[0][:, None], sine[0][:, None])
    for layer in model.model.layers:
        states = _layer(layer, states, layout, angles)
    logits: Tensor = model.lm_head(model.model.norm(states[layout.before]))
    return logits


def batch_loss(model: Any, batch: Batch, device: torch.device) -> Tensor:
    """Cross-entropy in nats, the sum over the tokens that the model shall say; what is given counts with its weight."""
    layout = Layout(batch, device)
    losses = cross_entropy(logits_of(model, layout).float(), layout.foreseen, reduction="none")
    return (losses * layout.weights).sum()
