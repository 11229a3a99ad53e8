"""Packs of a step side by side, each on processor threads of its own.

All threads on one small product wait for one another thousands of times a step. A pack a thread (or a few) waits once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

# Beyond that the interpreter, which all share, is what they wait for.
LANES_MAX = 4
# Where a lane has no room for so many, the network is large: its products keep all threads busy, and smaller packs
# would only read its weights more often.
LANE_TOKENS_MIN = 1024


@dataclass(slots=True)
class Lanes:
    count: int
    _pool: ThreadPoolExecutor | None = field(init=False, default=None)

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results in the items' order. Raises what `work` raises. The threads are started when first needed."""
        if self.count == 1:
            return [work(item) for item in items]
        if self._pool is None:
            threads = max(1, torch.get_num_threads() // self.count)
            self._pool = ThreadPoolExecutor(self.count, "lane", torch.set_num_threads, (threads,))
        return list(self._pool.map(work, items))


def add_gradients(parameters: Sequence[torch.nn.Parameter], gradients: Sequence[torch.Tensor]) -> None:
    """What a lane found joins what the parameters hold already; `gradients` are given away."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)


def lanes_for(device: torch.device, pack_tokens: int, longest: int) -> Lanes:
    """As many as share torch's threads evenly and leave each room enough; one on a graphics card."""
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    room = pack_tokens // max(longest, LANE_TOKENS_MIN)
    fits = (count for count in range(min(LANES_MAX, threads, room), 1, -1) if threads % count == 0)
    return Lanes(next(fits, 1))
