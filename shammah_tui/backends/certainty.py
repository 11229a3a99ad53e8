"""How likely a local answer is right, from what it shows itself: how sure its first tokens were, loops, failures.

The chance is a logistic curve over the logarithms of two means over the first tokens: of what each token cost
(-log-probability) and of the entropy, in nats. Logarithms, because models differ in how sure they are of everything by
factors. Its coefficients begin as `PRIOR` and are fitted to the person's own ratings of that model's answers (a maximum
a posteriori fit, Gaussian around the prior; Platt 1999 for one score). Signs that need no curve count by themselves.
`scripts/bench/certainty` prints what the curve is worth on the demo model.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Tokens that the log-probabilities are asked for: what comes later depends more on what came before than on the
# question.
FIRST_TOKENS = 64
# Below this chance an answer is doubted.
THRESHOLD = 0.35
# Nats below which one is as sure as can be.
SMALL = 1e-3
TOOL_FAILURES_MAX = 3
_STEPS = 50
_CLOSE = 1e-9
# The tail of a text in which a loop is looked for, and how often it has to come round.
_TAIL_CHARACTERS = 600
_ROUNDS = 4
_DECLINES = re.compile(
    r"(?:(?:sorry|unfortunately)[,.!]? )?(?:but )?i(?: am|'m) (?:the small demo model, so i cannot|(?:afraid|sorry),? "
    r"(?:but )?i (?:can't|cannot|don't know)|not able to (?:answer|help)|unable to (?:answer|help))|"
    r"(?:sorry|unfortunately)[,.!]? (?:but )?i (?:can't|cannot|don't know)|i (?:don't|do not) know\b",
    re.IGNORECASE,
)
_LOOP_CHARACTERS_MIN = 120


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one local answer showed."""

    mean_logprob: float | None = None
    """Of the first tokens, in nats, at most 0; None where the server did not tell."""
    mean_entropy: float | None = None
    """Of the distributions they were drawn from, in nats."""
    is_looping: bool = False
    malformed_calls: int = 0
    """Tool calls whose arguments could not be read."""
    declined: bool = False
    """The model itself said that it cannot answer."""
    verifier_failed: bool = False
    tool_failures: int = 0
    """How many tool calls failed one after the other."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Chance = 1 / (1 + exp(-(bias + cost * log(-mean_logprob + S) + entropy * log(mean_entropy + S)))), S = SMALL."""

    bias: float
    cost: float
    entropy: float

    def chance(self, mean_logprob: float, mean_entropy: float) -> float:
        coefficients = (self.bias, self.cost, self.entropy)
        return _logistic(sum(map(operator.mul, coefficients, _features(mean_logprob, mean_entropy))))


# 0.9 where a token costs 0.15 nats of an entropy of 0.3; 0.3 where it costs 1.2 of 2.
PRIOR = Curve(bias=-0.1, cost=-0.75, entropy=-0.75)
# How far, as a standard deviation, ratings may move each coefficient at first.
_SPREAD = (2.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer whose worth the person told. `weight`: how much that counts."""

    mean_logprob: float
    mean_entropy: float
    is_good: bool
    weight: float = 1.0


def doubt(evidence: Evidence, curve: Curve = PRIOR, threshold: float = THRESHOLD) -> str:
    """Why the answer is doubted, in words for the person; empty where it is not."""
    if evidence.is_looping:
        return "The local model repeats itself."
    if evidence.declined:
        return "The local model says that it cannot answer this."
    if evidence.malformed_calls:
        return "The local model wrote a tool call that cannot be read."
    if evidence.verifier_failed:
        return "The local model's answer did not pass its check."
    if evidence.tool_failures >= TOOL_FAILURES_MAX:
        return f"The last {evidence.tool_failures} tool calls of the local model failed."
    if evidence.mean_logprob is None:
        return ""
    chance = curve.chance(evidence.mean_logprob, evidence.mean_entropy or 0.0)
    return f"The local model is unsure of this ({chance:.0%})." if chance < threshold else ""


def fit(rated: Sequence[Rated], prior: Curve = PRIOR) -> Curve:
    """The curve that explains the ratings best and stays near the prior; the prior itself where there are none."""
    start = (prior.bias, prior.cost, prior.entropy)
    now = list(start)
    for _ in range(_STEPS):
        gradient = [(before - value) / spread**2 for before, value, spread in zip(start, now, _SPREAD, strict=True)]
        curvature = [[1.0 / _SPREAD[row] ** 2 if row == column else 0.0 for column in range(3)] for row in range(3)]
        for answer in rated:
            features = _features(answer.mean_logprob, answer.mean_entropy)
            chance = _logistic(sum(map(operator.mul, now, features)))
            for row in range(3):
                gradient[row] += answer.weight * (answer.is_good - chance) * features[row]
                for column in range(3):
                    curvature[row][column] += answer.weight * chance * (1 - chance) * features[row] * features[column]
        step = _solve(curvature, gradient)
        # A whole step can overshoot where nearly all is decided; short ones find the one maximum all the same.
        length = math.hypot(*step)
        scale = min(1.0, 2.0 / length) if length else 1.0
        now = [value + scale * change for value, change in zip(now, step, strict=True)]
        if length < _CLOSE:
            break
    return Curve(*now)


def declines(text: str) -> bool:
    """Whether an answer begins with the model's own word that it cannot give one."""
    return _DECLINES.match(text.lstrip()) is not None


def is_looping(text: str) -> bool:
    """Whether `text` ends in the same piece over and over, as a stuck model's does."""
    tail = text[-_TAIL_CHARACTERS:]
    backwards = tail[::-1]
    # For each length, the longest border of the reversed tail's beginning (Knuth, Morris, Pratt): its period follows.
    borders = [0] * len(backwards)
    for at in range(1, len(backwards)):
        border = borders[at - 1]
        while border and backwards[at] != backwards[border]:
            border = borders[border - 1]
        borders[at] = border + (backwards[at] == backwards[border])
        length = at + 1
        period = length - borders[at]
        if length >= _LOOP_CHARACTERS_MIN and length >= period * _ROUNDS and backwards[:period].strip("-=_*#~. \n"):
            return True
    return False


def _features(mean_logprob: float, mean_entropy: float) -> tuple[float, float, float]:
    return 1.0, math.log(max(0.0, -mean_logprob) + SMALL), math.log(max(0.0, mean_entropy) + SMALL)


def _logistic(value: float) -> float:
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    grown = math.exp(value)
    return grown / (1.0 + grown)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots; the matrix is positive definite, by the prior."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for row in range(at + 1, size):
            factor = rows[row][at] / rows[at][at]
            rows[row] = [value - factor * above for value, above in zip(rows[row], rows[at], strict=True)]
    found = [0.0] * size
    for at in reversed(range(size)):
        known = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - known) / rows[at][at]
    return found
