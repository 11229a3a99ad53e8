"""How sure the local model has to be, fitted to what the person said of its earlier answers.

A rating names its answer by session and turn, and the metrics hold what that answer showed of its certainty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shammah_tui.backends.certainty import PRIOR, Curve, Rated, fit
from shammah_tui.events import TurnEnded
from shammah_tui.journal.metric import Metrics
from shammah_tui.store.rating import Rating

# What one rating counts for the router.
WEIGHTS = {"red": 4.0, "yellow": 2.0, "green": 1.0}
LOGPROB, ENTROPY = "mean_logprob", "mean_entropy"


def signals(ended: TurnEnded) -> dict[str, float]:
    """What an answer showed of its certainty, for the metrics; empty where the server told nothing."""
    found = {LOGPROB: ended.mean_logprob, ENTROPY: ended.mean_entropy}
    return {name: value for name, value in found.items() if value is not None}


class Calibration:
    """Curves by model, made anew when ratings have changed."""

    def __init__(self, metrics: Metrics, rated: Callable[[], Awaitable[Sequence[Rating]]]) -> None:
        self._metrics = metrics
        self._rated = rated
        self._made_of: tuple[tuple[int, str], ...] = ()
        self._answers: dict[str, list[Rated]] = {}

    async def curve(self, model: str) -> Curve:
        """Raises HomeError where ratings or metrics cannot be read."""
        ratings = [rating for rating in await self._rated() if rating.snapshot.route == "local"]
        made_of = tuple((rating.id, rating.color) for rating in ratings)
        if made_of != self._made_of:
            self._answers = await asyncio.to_thread(self._collect, ratings)
            self._made_of = made_of
        answers = self._answers.get(model, [])
        return fit(answers) if answers else PRIOR

    def _collect(self, ratings: Sequence[Rating]) -> dict[str, list[Rated]]:
        named = ((rating.snapshot, rating) for rating in ratings)
        rated = {(shot.session, shot.turn): rating for shot, rating in named if shot.session}
        found: dict[str, list[Rated]] = {}
        for record in self._metrics.read():
            rating = rated.get((str(record.get("session")), record.get("seq") or 0))
            shown = record.get("signals")
            if rating is None or not isinstance(shown, dict) or not isinstance(shown.get(LOGPROB), float):
                continue
            entropy = shown.get(ENTROPY)
            answer = Rated(
                shown[LOGPROB],
                entropy if isinstance(entropy, float) else 0.0,
                rating.color == "green",
                WEIGHTS[rating.color],
            )
            found.setdefault(str(record.get("model")), []).append(answer)
        return found
