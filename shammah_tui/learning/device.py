"""What a training computes on, and in which numbers."""

from __future__ import annotations

import time

import torch


def choose_device(asked: str) -> torch.device:
    if asked != "auto":
        return torch.device(asked)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def bf16_cost() -> float:
    """How long this processor takes for a product in bfloat16 ÷ in float32: a half or less where it has units for it,
    some eighty times where it has not even AVX-512."""

    def seconds(dtype: torch.dtype) -> float:
        matrix = torch.ones(256, 256, dtype=dtype)
        taken = []
        for _ in range(4):
            began = time.perf_counter()
            matrix @ matrix
            taken.append(time.perf_counter() - began)
        return min(taken)

    return seconds(torch.bfloat16) / seconds(torch.float32)
