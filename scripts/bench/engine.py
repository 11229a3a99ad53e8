"""The benchmark of the engine: `scripts/bench/engine [--quick]`. Ratios measured in turns in one run, and the goals."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scripts.bench.measure import (
    CONTEXT,
    BareWorker,
    EngineUnderTest,
    daemon,
    half_b_model,
    seconds_per_token_over_http,
    words,
)
from shammah_tui import paths
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import LoadOptions

OPTIONS = LoadOptions(context_tokens=CONTEXT)


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    detail: str
    ratio: float
    goal: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


def in_turns(what: str, goal: float, rounds: int, ours: Callable[[], float], bare: Callable[[], float]) -> Row:
    """Seconds a token of both, taken A, B, A, B: the ratio of the medians, and beside it that of each one's fastest
    round, which says more where others use the machine."""
    pairs = [(ours(), bare()) for _ in range(rounds)]
    mine, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    best = min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)
    detail = f"{1 / mine:,.1f} against {1 / theirs:,.1f} tokens/s; fastest rounds {best:.3f}"
    return Row(what, detail, theirs / mine, goal)


def single_stream(name: str, engine: EngineUnderTest, bare: BareWorker, rounds: int, *, long: bool) -> Iterator[Row]:
    """At token 100 and at token 1,500. `long` generates all of them; else a prompt of 1,400 stands for the first."""
    for place, prompt, first, last in (
        ("token 100", words(40, 1), 30, 230 if long else 130),
        ("token 1,500", *((words(40, 1), 1400, 1600) if long else (words(1400, 2), 30, 130))),
    ):
        engine.seconds_per_token(prompt, 1, 10)  # the prompt is in both caches from here on
        bare.seconds_per_token(prompt, 1, 10)
        yield in_turns(
            f"{name}: single stream ÷ bare loop, {place}",
            0.98,
            rounds,
            lambda prompt=prompt, first=first, last=last: engine.seconds_per_token(prompt, first, last),  # type: ignore[misc]
            lambda prompt=prompt, first=first, last=last: bare.seconds_per_token(prompt, first, last),  # type: ignore[misc]
        )


def parallel(name: str, engine: EngineUnderTest, bare: BareWorker, rounds: int) -> Iterator[Row]:
    """Medians of what eight streams had over one, and over a bare loop of eight, each just before: short rounds, since
    others use the machine too. The second says how much of the first is up to the engine."""
    tries = [
        (engine.tokens_per_second(1, 40), engine.tokens_per_second(8, 40), bare.tokens_per_second(8, 40))
        for _ in range(rounds)
    ]
    one, eight, bare_eight = (median(numbers) for numbers in zip(*tries, strict=True))
    best = max(ours for _, ours, _ in tries)
    for what, goal, other, fastest, ratio in (
        ("1 stream", 2.3, one, max(one for one, _, _ in tries), median(ours / one for one, ours, _ in tries)),
        ("a bare loop of 8", 0.95, bare_eight, max(b for _, _, b in tries), median(ours / b for _, ours, b in tries)),
    ):
        detail = f"{eight:.1f} against {other:.1f} tokens/s; fastest rounds {best / fastest:.3f}"
        yield Row(f"{name}: 8 streams ÷ {what}, total", detail, ratio, goal)


def turns(name: str, model: Path, rounds: int, sessions: Path) -> list[Row]:
    """First token of a second turn, in the same engine and after a restart, against reading 1,000 tokens cold."""
    options = LoadOptions(context_tokens=CONTEXT, session_folder=sessions)
    cold, warm, restored = [], [], []
    for turn in range(rounds):
        prompt, more = words(1000, 100 + turn), words(12, 900 + turn)
        under_test = EngineUnderTest(LlamaEngine(model, options))
        cold.append(under_test.first_token_seconds(prompt, session="bench"))
        warm.append(under_test.first_token_seconds([*prompt, *more], session="bench"))
        under_test.close()
        under_test = EngineUnderTest(LlamaEngine(model, options))
        restored.append(under_test.first_token_seconds([*prompt, *more, *words(12, turn)], session="bench"))
        under_test.close()
    first, second, third = median(cold), median(warm), median(restored)
    return [
        Row(f"{name}: second turn ÷ cold", f"{second:.3f} of {first:.2f} s", second / first, 0.04, at_least=False),
        Row(f"{name}: after a restart ÷ cold", f"{third:.3f} of {first:.2f} s", third / first, 0.05, at_least=False),
    ]


def over_http(name: str, model: Path, bare: BareWorker, rounds: int) -> Row:
    text, count = "tell me all of it " * 5, 100
    with tempfile.TemporaryDirectory(prefix="shammah-bench-") as home, daemon(model, Path(home)) as client:
        seconds_per_token_over_http(client, text, 4)
        return in_turns(
            f"{name}: through HTTP and the socket ÷ bare loop",
            0.95,
            rounds,
            lambda: seconds_per_token_over_http(client, text, count),
            lambda: bare.seconds_per_token(words(100, 3), 1, count),
        )


def show(row: Row) -> None:
    sign = "≥" if row.at_least else "≤"
    said = "met" if row.met else "NOT MET"
    print(f"{row.what:<58} {row.ratio:>6.3f}  {sign} {row.goal:<5} {said:<8} {row.detail}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, more noise")
    quick = parser.parse_args().quick
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    if busy > 0.3:
        print(f"Others keep {busy:.0%} of this machine's cores busy: the ratios below are noisy.", flush=True)
    met = True
    for row in rows(quick):
        show(row)
        met = met and row.met
    return 0 if met else 1


def rows(quick: bool) -> Iterator[Row]:
    demo, half = paths.demo_model_gguf(), half_b_model()
    if demo.is_file():
        with closing(BareWorker(demo)) as bare, closing(EngineUnderTest(LlamaEngine(demo, OPTIONS))) as engine:
            yield from single_stream("demo", engine, bare, 8 if quick else 20, long=True)
    with closing(BareWorker(half)) as bare:
        with closing(EngineUnderTest(LlamaEngine(half, OPTIONS))) as engine:
            yield from single_stream("0.5B", engine, bare, 3 if quick else 8, long=False)
            yield from parallel("0.5B", engine, bare, 4 if quick else 12)
        with tempfile.TemporaryDirectory(prefix="shammah-bench-") as sessions:
            yield from turns("0.5B", half, 1 if quick else 4, Path(sessions))
        yield over_http("0.5B", half, bare, 3 if quick else 6)


if __name__ == "__main__":
    sys.exit(main())
