"""Losses over answer tokens only, from hidden states, without ever holding logits of more than a chunk.

Both losses of a token have the gradient (q − t) with respect to its logits, where q is the model's distribution and
t the target: the one wanted token (NLL) or the base's distribution (KL). The head is frozen, so the gradient with
respect to the hidden state, (q − t)·W, is taken in the forward pass, and no logits are kept for the backward pass
(the idea of Liger Kernel's fused linear cross-entropy, arXiv 2410.10989).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Tokens of one chunk: as many as have logits that stay in a processor's cache (1 MiB of float32), and at least so many
# that the head's product is worth reading the head for.
CHUNK_LOGITS, CHUNK_TOKENS_MIN = 1 << 18, 96


def _chunk_tokens(head: Tensor) -> int:
    return max(CHUNK_TOKENS_MIN, CHUNK_LOGITS // len(head))


class _TokenLoss(torch.autograd.Function):
    """Hidden states (n, d), head (V, d), and labels (n) with margins (n) or the base's hidden states (n, d) →
    losses (n) in nats."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor, labels: Tensor | None, margins: Tensor | None, base: Tensor | None
    ) -> Tensor:
        losses = hidden.new_empty(len(hidden), dtype=torch.float32)
        slopes = torch.empty_like(hidden)
        step = _chunk_tokens(head)
        for start in range(0, len(hidden), step):
            part = slice(start, start + step)
            logits = (hidden[part] @ head.T).float()
            if labels is not None:
                wanted = labels[part, None]
                if margins is not None:
                    logits.scatter_add_(1, wanted, -margins[part, None])
                found = torch.log_softmax(logits, dim=-1)
                losses[part] = -found.gather(1, wanted)[:, 0]
                slope = found.exp_()
                slope.scatter_add_(1, wanted, slope.new_full(wanted.shape, -1.0))
            else:
                assert base is not None
                found = torch.log_softmax(logits, dim=-1)
                target = torch.log_softmax((base[part] @ head.T).float(), dim=-1)
                likely = target.exp()
                losses[part] = torch.linalg.vecdot(likely, target.sub_(found))
                slope = found.exp_().sub_(likely)
            slopes[part] = slope.to(head.dtype) @ head
        ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0][:, None].to(slopes.dtype), None, None, None, None


def token_nll(hidden: Tensor, head: Tensor, labels: Tensor, margins: Tensor | None = None) -> Tensor:
    """−log q(label) of each token: shape (n), nats. With margins (n), q is what it would be if the label's logit were
    so much lower: the loss fades only where the label is ahead by more than that (additive margin softmax, arXiv
    1801.05599)."""
    losses: Tensor = _TokenLoss.apply(hidden, head, labels, margins, None)  # type: ignore[no-untyped-call]
    return losses


def token_kl(hidden: Tensor, head: Tensor, base: Tensor) -> Tensor:
    """KL(base ‖ model) of each token over the whole vocabulary, from both models' hidden states: shape (n), nats."""
    losses: Tensor = _TokenLoss.apply(hidden, head, None, None, base)  # type: ignore[no-untyped-call]
    return losses


def row_means(losses: Tensor, shares: Tensor, owner: Tensor, rows: int) -> Tensor:
    """Weighted mean over each row's tokens: losses (n), shares (n), owner (n) in 0…rows−1 → (rows)."""
    totals = losses.new_zeros(rows).index_add(0, owner, shares)
    return losses.new_zeros(rows).index_add(0, owner, losses * shares) / totals.clamp(min=1e-9)


def normalised(weights: Tensor) -> Tensor:
    """Weights of a batch's rows, with the sum 1: what counts is how a row stands to the others of its batch."""
    return weights / weights.sum()


def is_greedy(hidden: Tensor, head: Tensor, labels: Tensor) -> Tensor:
    """Whether each label is the likeliest token: hidden (n, d), labels (n) → bool (n)."""
    step = _chunk_tokens(head)
    parts = zip(hidden.split(step), labels.split(step), strict=True)
    return torch.cat([(part @ head.T).argmax(-1) == wanted for part, wanted in parts])
