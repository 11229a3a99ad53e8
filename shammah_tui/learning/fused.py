"""The arithmetic of transformers' and peft's layers in fewer passes over memory, by hand-written backward passes.

A small model on a processor spends as long on adding and scaling as on its products. Here an adapter's part is added to
a product in place, a gated feed-forward is one node that keeps the product of gate and values nowhere, and a norm is
two passes. The idea is Unsloth's (`fast_lora.py`). Names: x is what goes in, g the gradient of what came out; W (out,
in) is a frozen weight, A (r, in) and B (out, r) are the adapter of it, s its scaling.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.nn.functional import silu

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
    else:
        found = _AdaptedLinear.apply(x, *_adapted(layer), layer.base_layer.bias, _scaling(layer))  # type: ignore[no-untyped-call]
    return found


def _gated(layer: Any, x: Tensor) -> Tensor:
    gate, up, down = layer.gate_proj, layer.up_proj, layer.down_proj
    if gate.disable_adapters:
        found: Tensor = down(layer.act_fn(gate(x)) * up(x))
    else:
        found = _GatedFeedForward.apply(x, *_adapted(gate), *_adapted(up), *_adapted(down), _scaling(gate))  # type: ignore[no-untyped-call]
    return found


def _norm(layer: Any, x: Tensor) -> Tensor:
    found: Tensor = _RootMeanSquareNorm.apply(x, layer.weight, layer.variance_epsilon)  # type: ignore[no-untyped-call]
    return found


def _product(x: Tensor, adapted: Adapted, scaling: float, bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """x·Wᵀ + s·(x·Aᵀ)·Bᵀ, and x·Aᵀ, which the backward pass needs."""
    weight, low, high = adapted
    narrow = x @ low.T
    out = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
    return out.addmm_(narrow, high.T, alpha=scaling), narrow


def _slopes(g: Tensor, x: Tensor, narrow: Tensor, adapted: Adapted, scaling: float) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients: s·g·B, from which that of x goes on, and those of A and B."""
    _, _, high = adapted
    back = (g @ high).mul_(scaling)
    return back, back.T @ x, (g.T @ narrow).mul_(scaling)


class _AdaptedLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, low: Tensor, high: Tensor, bias: Tensor | None, scaling: float
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        out, narrow = _product(flat, (weight, low, high), scaling, bias)
        ctx.save_for_backward(flat, narrow, weight, low, high)
        ctx.scaling = scaling
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, narrow, weight, low, high = ctx.saved_tensors
        g = gradients[0].reshape(-1, gradients[0].shape[-1])
        back, of_low, of_high = _slopes(g, x, narrow, (weight, low, high), ctx.scaling)
        of_x = (g @ weight).addmm_(back, low).view(*gradients[0].shape[:-1], -1) if ctx.needs_input_grad[0] else None
        return of_x, None, of_low, of_high, None, None


class _GatedFeedForward(torch.autograd.Function):
    """x → down(silu(gate(x)) · up(x)); the product inside is computed again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *weights: Any) -> Tensor:
        gate, up, down, scaling = weights[0:3], weights[3:6], weights[6:9], weights[9]
        flat = x.reshape(-1, x.shape[-1])
        gated, gate_narrow = _product(flat, gate, scaling)
        value, up_narrow = _product(flat, up, scaling)
        out, down_narrow = _product(silu(gated).mul_(value), down, scaling)
        ctx.save_for_backward(flat, gated, value, gate_narrow, up_narrow, down_narrow, *weights[:9])
        ctx.scaling = scaling
        return out.view(x.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, gated, value, gate_narrow, up_narrow, down_narrow, *weights = ctx.saved_tensors
        gate, up, down = tuple(weights[0:3]), tuple(weights[3:6]), tuple(weights[6:9])
        g = gradients[0].reshape(x.shape)
        curved = silu(gated)
        down_back, down_low, down_high = _slopes(g, curved * value, down_narrow, down, ctx.scaling)
        inside = (g @ down[0]).addmm_(down_back, down[1])
        of_value = curved.mul_(inside)
        of_gated = torch.ops.aten.silu_backward(inside.mul_(value), gated)
        gate_back, gate_low, gate_high = _slopes(of_gated, x, gate_narrow, gate, ctx.scaling)
        up_back, up_low, up_high = _slopes(of_value, x, up_narrow, up, ctx.scaling)
        of_x = (of_gated @ gate[0]).addmm_(of_value, up[0]).addmm_(gate_back, gate[1]).addmm_(up_back, up[1])
        return (
            of_x.view(gradients[0].shape),
            *(None, gate_low, gate_high),
            *(None, up_low, up_high),
            *(None, down_low, down_high),
            None,
        )


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
        shared = (scaled * x).mean(-1, keepdim=True).mul_(inverse.square())
        return scaled.addcmul_(x, shared, value=-1).mul_(inverse), None, None
