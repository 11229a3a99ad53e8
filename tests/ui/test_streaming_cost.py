"""A long answer costs no more to write on than a short one, whatever it is made of: calls are counted, not time."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from textual.geometry import Region

from shammah_tui.events import TextArrived, ThinkingArrived, TurnStarted
from shammah_tui.ui.exchange import Exchange
from shammah_tui.ui.widgets.transcript import Transcript

from .bench import Bench

EARLY, LATE = 5_000, 95_000
# Long enough to hold several passages: within one it costs more and more, and then little again.
WINDOW = 4_000
TOKENS_A_FLUSH = 40
GROWTH_MAX = 1.15


def paragraph() -> Iterator[str]:
    return (f"w{number % 997:03} " for number in itertools.count())


def code() -> Iterator[str]:
    return itertools.chain(["```python\n"], (("x = ", "f(1)", " # a", "dd\n")[n % 4] for n in itertools.count()))


def bullets() -> Iterator[str]:
    return (("- one", " of ", "many", " it\n")[number % 4] for number in itertools.count())


def table() -> Iterator[str]:
    rows = (("| a ", "| bb ", "| c ", "|\n")[number % 4] for number in itertools.count())
    return itertools.chain(["| x | y | z |\n|---|---|---|\n"], rows)


def quote() -> Iterator[str]:
    return (("> as", " he ", "said", " it\n")[number % 4] for number in itertools.count())


def mixture() -> Iterator[str]:
    text = "## Part\n\nWords *on* and `on`.\n\n- a\n- b\n\n```c\nint a = 1;\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n"
    return itertools.chain.from_iterable(
        [text[at : at + 4] for at in range(0, len(text), 4)] for _ in itertools.count()
    )


class Calls:
    """Counts every call, of Python's and of C's."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Calls:
        sys.setprofile(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.count += 1


def written(exchange: Exchange, transcript: Transcript, tokens: Iterator[str], count: int) -> int:
    """How many calls it took to hear, draw and show the next `count` tokens."""
    view = Region(0, 0, *transcript.region.size)
    with Calls() as calls:
        for _ in range(count // TOKENS_A_FLUSH):
            for token in itertools.islice(tokens, TOKENS_A_FLUSH):
                exchange.hear(TextArrived(token))
            exchange.flush()
            transcript.render_lines(view)
    return calls.count


@pytest.mark.parametrize("shape", [paragraph, code, bullets, table, quote, mixture])
async def test_a_token_costs_the_same_after_a_hundred_thousand(shape: Callable[[], Iterator[str]]) -> None:
    app = Bench()
    async with app.run_test(size=(100, 30)):
        transcript = app.query_one(Transcript)
        # A clock that stands still: drawing is never put off.
        exchange = Exchange(transcript, "go", clock=lambda: 1.0)
        exchange.hear(TurnStarted("Demo", "local"))
        tokens, costs, heard = shape(), [], 0
        for begin in (EARLY, LATE):
            # What is skipped comes in large pieces.
            while heard < begin:
                exchange.hear(TextArrived("".join(itertools.islice(tokens, 500))))
                exchange.flush()
                heard += 500
            costs.append(written(exchange, transcript, tokens, WINDOW))
            heard += WINDOW
        early, late = costs
        assert late <= GROWTH_MAX * early


async def test_what_is_thought_costs_the_same_however_long_it_was() -> None:
    app = Bench()
    async with app.run_test(size=(100, 30)):
        transcript = app.query_one(Transcript)
        transcript.is_open = True
        exchange = Exchange(transcript, "go", clock=lambda: 1.0)
        exchange.hear(TurnStarted("Demo", "local"))
        costs = []
        for count in (200, 5_000):
            for number in range(count):
                exchange.hear(ThinkingArrived(f"line {number} of it\n"))
            exchange.flush()
            with Calls() as calls:
                for number in range(100):
                    exchange.hear(ThinkingArrived(f"more {number}\n"))
                    exchange.flush()
            costs.append(calls.count)
        assert costs[1] <= GROWTH_MAX * costs[0]
