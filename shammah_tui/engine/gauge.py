"""How sure the model was of the first tokens of an answer, measured where they are drawn.

Numbers are of the model's own distribution, before temperature and the other filters: log-probability of the token and
entropy of the whole, both in nats. One exponential over the vocabulary a token: 0.16 ms for Qwen's 151,936, measured.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence

import numpy as np

from shammah_tui.engine.request import TokenCertainty
from shammah_tui.engine.sampling import logits_at

SHIFT_MIN = np.float32(-80.0)


class Gauge:
    """Draws as `draw` does, and measures the first `count` tokens of it."""

    def __init__(self, draw: Callable[[int], int], context: int, pieces: Sequence[bytes], count: int) -> None:
        self.measured: list[TokenCertainty] = []
        self._draw = draw
        self._context = context
        self._pieces = pieces
        self._row = ctypes.c_float * len(pieces)
        self._left = count

    def __call__(self, index: int) -> int:
        token = self._draw(index)
        if self._left and token >= 0:
            self._left -= 1
            self.measured.append(self._measure(index, token))
        return token

    def _measure(self, index: int, token: int) -> TokenCertainty:
        logits = np.ctypeslib.as_array(self._row.from_address(logits_at(self._context, index)))
        # What is further away than this weighs nothing, and an infinity would make of nothing no number.
        shifted = np.maximum(logits - logits.max(), SHIFT_MIN)
        weights = np.exp(shifted)
        total = float(weights.sum(dtype=np.float64))
        # Of entropy: log(total) - sum(p * shifted), as p = weights / total.
        entropy = math.log(total) - float(weights @ shifted) / total
        return TokenCertainty(self._pieces[token], float(shifted[token]) - math.log(total), max(0.0, entropy))
