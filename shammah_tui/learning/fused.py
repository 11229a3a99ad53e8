"""The arithmetic of transformers' and peft's layers in fewer passes over memory, by hand-written backward passes.

A small model on a processor spends as long on adding, scaling and thin products as on the large ones. Here layers that
read the same input are one product, with the adapter's part added to the weight and not to each token; a gated
feed-forward is one node that keeps the product of gate and values nowhere; a norm is two passes; and attention turns
queries and keys and lays the rows of a pack side by side in one node. The idea is Unsloth's (`fast_lora.py`).

Names: x is what goes in, g the gradient of what came out; W (out, in) is a frozen weight, A (r, in) and B (out, r) are
the adapter of it, s its scaling, T the tokens of a pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from shammah_tui.learning.packed import Layout

Adapted = tuple[Tensor, Tensor, Tensor]
"""W, A, B."""


def fuse(model: PeftModel) -> None:
    """Replaces the forward passes of a float32 Qwen2 or Qwen3 network with adapters. What it computes, its parameters
    and what is saved of it stay as they are."""
    for module in model.modules():
        if isinstance(module, Linear):
            module.forward = MethodType(_linear, module)
        elif _is_gated(module):
            module.forward = MethodType(_gated, module)
        elif type(module).__name__ in ("Qwen2RMSNorm", "Qwen3RMSNorm"):
            module.forward = MethodType(_norm, module)
        elif type(module).__name__ in ("Qwen2Attention", "Qwen3Attention"):
            module.forward = MethodType(_attention, module)


def _is_gated(module: nn.Module) -> bool:
    """Whether this is down(silu(gate(x)) · up(x)), without biases and with an adapter on each of the three."""
    parts = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    return type(getattr(module, "act_fn", None)).__name__ == "SiLUActivation" and all(
        isinstance(part, Linear) and part.base_layer.bias is None for part in parts
    )


def _adapted(layer: Linear) -> Adapted:
    (name,) = layer.active_adapters
    return layer.base_layer.weight, layer.lora_A[name].weight, layer.lora_B[name].weight


def _scaling(layer: Linear) -> float:
    (name,) = layer.active_adapters
    return float(layer.scaling[name])


def _linear(layer: Linear, x: Tensor) -> Tensor:
    if layer.disable_adapters:
        found: Tensor = layer.base_layer(x)
        return found
    return _beside_one_another(x.reshape(-1, x.shape[-1]), [layer]).view(*x.shape[:-1], -1)


def _beside_one_another(x: Tensor, layers: Sequence[Linear]) -> Tensor:
    """What the layers make of the same x (T, in): (T, all their outs)."""
    weights = [tensor for layer in layers for tensor in _adapted(layer)]
    biases = [layer.base_layer.bias for layer in layers]
    bias = None if biases[0] is None else torch.cat(biases)
    found: Tensor = _AdaptedLinears.apply(x, bias, _scaling(layers[0]), *weights)  # type: ignore[no-untyped-call]
    return found


def _gated(layer: Any, x: Tensor) -> Tensor:
    gate, up, down = layer.gate_proj, layer.up_proj, layer.down_proj
    if gate.disable_adapters:
        found: Tensor = down(layer.act_fn(gate(x)) * up(x))
    else:
        found = _GatedFeedForward.apply(x, _scaling(gate), *_adapted(gate), *_adapted(up), *_adapted(down))  # type: ignore[no-untyped-call]
    return found


def _norm(layer: Any, x: Tensor) -> Tensor:
    found: Tensor = _RootMeanSquareNorm.apply(x, layer.weight, layer.variance_epsilon)  # type: ignore[no-untyped-call]
    return found


def _attention(
    layer: Any,
    hidden_states: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    attention_mask: Tensor | None,
    *,
    layout: Layout,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Attention over a pack: hidden states (1, T, hidden) → the same shape."""
    if layer.q_proj.disable_adapters:
        found: tuple[Tensor, None] = type(layer).forward(
            layer, hidden_states, position_embeddings, attention_mask, layout=layout, **rest
        )
        return found
    layers = [layer.q_proj, layer.k_proj, layer.v_proj]
    joint = _beside_one_another(hidden_states[0], layers)
    parts = joint.split([each.base_layer.out_features for each in layers], dim=1)
    query, key, value = (part.view(len(part), -1, layer.head_dim) for part in parts)
    if hasattr(layer, "q_norm"):
        query, key = layer.q_norm(query), layer.k_norm(key)
    cosine, sine = (angles[0][:, None] for angles in position_embeddings)
    states = _SideBySide.apply(query, key, value, cosine, sine, layout)  # type: ignore[no-untyped-call]
    query, key, value, *shared = (each.transpose(1, 2) for each in states)
    seen = scaled_dot_product_attention(query, key, value, attn_mask=layout.mask, scale=layer.scaling)
    first = None
    if layout.prefix:
        query, key, value = shared
        first = scaled_dot_product_attention(query, key, value, is_causal=True, scale=layer.scaling)
    packed: Tensor = _Packed.apply(seen, first, layout)  # type: ignore[no-untyped-call]
    return layer.o_proj(packed[None]), None


def _pays_to_merge(x: Tensor) -> bool:
    """Whether s·B·A for the weight costs less than the adapter's thin products for each token."""
    return len(x) > x.shape[1]


def _merged(layers: Sequence[Adapted], scaling: float) -> Tensor:
    """W + s·B·A of each layer, one below the other: (all outs, in). Made anew in each pass, which spares a second copy
    of the model."""
    outs = [len(weight) for weight, _, _ in layers]
    merged = layers[0][0].new_empty(sum(outs), layers[0][0].shape[1])
    for (weight, low, high), place in zip(layers, merged.split(outs), strict=True):
        torch.addmm(weight, high, low, alpha=scaling, out=place)
    return merged


def _forth(x: Tensor, layers: Sequence[Adapted], scaling: float, bias: Tensor | None = None) -> Tensor:
    """x (T, in) through each layer: (T, all outs)."""
    if _pays_to_merge(x):
        merged = _merged(layers, scaling)
        return x @ merged.T if bias is None else torch.addmm(bias, x, merged.T)
    outs = [len(weight) for weight, _, _ in layers]
    found = x.new_empty(len(x), sum(outs))
    for (weight, low, high), place in zip(layers, found.split(outs, dim=1), strict=True):
        torch.mm(x, weight.T, out=place).addmm_(x @ low.T, high.T, alpha=scaling)
    return found if bias is None else found.add_(bias)


def _back(
    g: Tensor, x: Tensor, layers: Sequence[Adapted], scaling: float, *, of_x: bool = True
) -> tuple[Tensor | None, list[Tensor]]:
    """The gradients of x (T, in), which all layers read, and of A, B, A, B, …, from g (T, all outs)."""
    ranks, outs = [len(low) for _, low, _ in layers], [len(weight) for weight, _, _ in layers]
    lows = torch.cat([low for _, low, _ in layers])
    parts = g.split(outs, dim=1)
    narrow = (x @ lows.T).split(ranks, dim=1)
    inner = torch.cat([part @ (high * scaling) for part, (_, _, high) in zip(parts, layers, strict=True)], dim=1)
    of_low = (inner.T @ x).split(ranks)
    of_high = [(part.T @ own).mul_(scaling) for part, own in zip(parts, narrow, strict=True)]
    slopes = [each for pair in zip(of_low, of_high, strict=True) for each in pair]
    if not of_x:
        return None, slopes
    if _pays_to_merge(x):
        return g @ _merged(layers, scaling), slopes
    found = inner @ lows
    for part, (weight, _, _) in zip(parts, layers, strict=True):
        found.addmm_(part, weight)
    return found, slopes


def _triples(weights: Sequence[Tensor]) -> list[Adapted]:
    return [(weights[n], weights[n + 1], weights[n + 2]) for n in range(0, len(weights), 3)]


def _of_weights(slopes: Sequence[Tensor]) -> list[Tensor | None]:
    """In the order W, A, B of each layer; W is frozen."""
    return [each for n in range(0, len(slopes), 2) for each in (None, slopes[n], slopes[n + 1])]


class _AdaptedLinears(torch.autograd.Function):
    """x (T, in), a joint bias, s, and W, A, B of each layer → (T, all outs)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, scaling: float, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(x, *weights)
        ctx.scaling = scaling
        return _forth(x, _triples(weights), scaling, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        of_x, slopes = _back(gradients[0], x, _triples(weights), ctx.scaling, of_x=ctx.needs_input_grad[0])
        return of_x, None, None, *_of_weights(slopes)


class _GatedFeedForward(torch.autograd.Function):
    """x → down(silu(gate(x)) · up(x)); the product inside is computed again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scaling: float, *weights: Tensor) -> Tensor:
        layers = _triples(weights)
        flat = x.reshape(-1, x.shape[-1])
        both = _forth(flat, layers[:2], scaling)
        gated, value = both.chunk(2, dim=1)
        out = _forth(silu(gated).mul_(value), layers[2:], scaling)
        ctx.save_for_backward(flat, both, *weights)
        ctx.scaling = scaling
        return out.view(x.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, both, *weights = ctx.saved_tensors
        layers, scaling = _triples(weights), ctx.scaling
        g = gradients[0].reshape(x.shape)
        gated, value = both.chunk(2, dim=1)
        curved = silu(gated)
        inside, of_down = _back(g, curved * value, layers[2:], scaling)
        assert inside is not None
        of_both = torch.empty_like(both)
        of_gated, of_value = of_both.chunk(2, dim=1)
        torch.mul(curved, inside, out=of_value)
        torch.ops.aten.silu_backward.grad_input(inside.mul_(value), gated, grad_input=of_gated)
        of_x, of_first = _back(of_both, x, layers[:2], scaling)
        assert of_x is not None
        return of_x.view(gradients[0].shape), None, *_of_weights([*of_first, *of_down])


class _RootMeanSquareNorm(torch.autograd.Function):
    """x ↦ w·x/ρ with ρ = √(mean(x²) + ε), over the last dimension; w is frozen."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        width = x.shape[-1]
        inverse = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(width).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        found: Tensor = (x * inverse).mul_(weight)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """(w·g − x·mean(w·g·x)/ρ²)/ρ."""
        x, weight, inverse = ctx.saved_tensors
        scaled = gradients[0] * weight
        shared = torch.linalg.vecdot(scaled, x)[..., None].div_(-x.shape[-1]).mul_(inverse.square())
        return scaled.addcmul_(x, shared).mul_(inverse), None, None


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions: x (T, heads, width), cosine and sine (T, 1, width)."""
    half = x.shape[-1] // 2
    out = x * cosine
    out[..., :half].addcmul_(x[..., half:], sine[..., :half], value=-1)
    out[..., half:].addcmul_(x[..., :half], sine[..., half:])
    return out


class _SideBySide(torch.autograd.Function):
    """Queries (T, heads, width), keys and values (T, kv heads, width) of a pack → the rows' own queries (rows,
    longest, heads, width), keys and values with the prefix before them (rows, prefix + longest, heads, width), and
    the prefix's own three (1, prefix, heads, width). Queries and keys are turned by their positions."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, cosine: Tensor, sine: Tensor, layout: Layout
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(cosine, sine)
        ctx.layout, ctx.groups = layout, query.shape[1] // key.shape[1]
        states = [_turned(query, cosine, sine), _turned(key, cosine, sine), value]
        if ctx.groups > 1:
            states[1:] = [each.repeat_interleave(ctx.groups, dim=1) for each in states[1:]]
        own = [
            each.index_select(0, places.reshape(-1)).view(*places.shape, *each.shape[1:])
            for each, places in zip(states, (layout.own, layout.seen, layout.seen), strict=True)
        ]
        return *own, *(each[None, : layout.prefix].clone() for each in states)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        cosine, sine = ctx.saved_tensors
        layout, (own, shared) = ctx.layout, (gradients[:3], gradients[3:])
        firsts = [shared[0][0]]
        firsts += [first[0] + each[:, : layout.prefix].sum(0) for first, each in zip(shared[1:], own[1:], strict=True)]
        query, key, value = (
            torch.cat([first, each.flatten(0, 1).index_select(0, places)])
            for first, each, places in zip(firsts, own, (layout.back, layout.back_seen, layout.back_seen), strict=True)
        )
        if ctx.groups > 1:
            key, value = (each.unflatten(1, (-1, ctx.groups)).sum(2) for each in (key, value))
        half = cosine.shape[-1] // 2
        against = -sine.roll(half, -1)
        return _turned(query, cosine, against), _turned(key, cosine, against), value, None, None, None


class _Packed(torch.autograd.Function):
    """What the rows saw (rows, heads, longest, width) and the prefix (1, heads, prefix, width) → (T, heads · width)."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, first: Tensor | None, layout: Layout) -> Tensor:
        ctx.layout, ctx.shape = layout, own.shape
        flat = own.transpose(1, 2).reshape(-1, own.shape[1] * own.shape[3])
        found = flat.index_select(0, layout.back)
        return found if first is None else torch.cat([first[0].transpose(0, 1).flatten(1), found])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, heads, longest, width = ctx.shape
        layout, (g,) = ctx.layout, gradients
        own = g.new_zeros(rows * longest, heads * width).index_copy_(0, layout.back, g[layout.prefix :])
        shared = g[: layout.prefix].view(1, -1, heads, width).transpose(1, 2) if layout.prefix else None
        return own.view(rows, longest, heads, width).transpose(1, 2), shared, None
