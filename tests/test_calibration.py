"""What the person said of earlier answers decides how sure the local model has to be."""

from __future__ import annotations

from collections.abc import Sequence

from shammah_tui import paths
from shammah_tui.backends.certainty import PRIOR
from shammah_tui.events import TurnEnded
from shammah_tui.journal.metric import Exchange, Metrics
from shammah_tui.runtime.calibration import Calibration, signals
from shammah_tui.store.rating import Color, Rating, Snapshot


def rating(number: int, color: Color, session: str = "s", route: str = "local") -> Rating:
    return Rating(number, color, Snapshot((), "answer", session=session, turn=number, route=route))


async def test_ratings_move_the_curve_of_the_model_that_was_rated() -> None:
    metrics = Metrics(paths.metrics_folder())
    ended = TurnEnded("stop", mean_logprob=-0.01, mean_entropy=0.02)
    for number in range(8):
        await metrics.record(Exchange("q", "a", "local", "demo", session="s", seq=number, signals=signals(ended)))
    await metrics.record(Exchange("q", "a", "local", "demo", session="s", seq=90))
    rated: list[Rating] = []

    async def ratings() -> Sequence[Rating]:
        return rated

    calibration = Calibration(metrics, ratings)
    assert await calibration.curve("demo") == PRIOR
    rated += [rating(number, "red") for number in range(8)]
    rated += [rating(90, "red"), rating(91, "red", session=""), rating(92, "red", route="claude")]
    chance = (await calibration.curve("demo")).chance(-0.01, 0.02)
    assert chance < 0.5 < PRIOR.chance(-0.01, 0.02)
    assert await calibration.curve("another") == PRIOR
    rated[:] = [rating(number, "green") for number in range(8)]
    assert (await calibration.curve("demo")).chance(-0.01, 0.02) > 0.9


def test_a_server_that_tells_nothing_leaves_no_signals() -> None:
    assert signals(TurnEnded("stop")) == {}
