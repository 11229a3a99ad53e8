"""Recall and false alarms of the crisis detection, over the labelled lines of the tests: scripts/bench/crisis [-v].

The lines are by this repository's authors, in the order they were written: the forms were made with "dev" in view;
"held" was written before them and looked at afterwards (48 of 50 seen at first, no false alarm in 70); "later" was
written against them in three turns and mended after each (49 of 81 seen at first, 4 false alarms in 81). "blind" was
written after that, measured, and not mended. "next" and "last" are the halves of 60 harder lines written later still (7
of 30 seen at first, 1 false alarm in 30): the forms were mended with "next" in view, "last" was only measured, so that
it tells most of what nobody here has seen. "more" and "fresh" are every second one of 200 lines in twelve languages,
written at once (11 and 12 of 50 seen at first, 3 and 2 false alarms in 50): the forms were mended with the dangers of
"more" and the false alarms of both in view, and by the hand that wrote "fresh", so that "blind" and "last" say more of
what was gained: 19 to 20 of 24, 4 to 6 of 15. `-v` prints the lines that went wrong.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.agent.crisis import detect

LINES = Path(__file__).parents[2] / "tests" / "agent" / "crisis_lines.jsonl"
SPLITS = ("dev", "held", "later", "blind", "next", "last", "more", "fresh")
# Of the normal distribution, for an interval of 95 %.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    is_danger: bool
    split: str
    """One of `SPLITS`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    missed: tuple[Line, ...]
    false_alarms: tuple[Line, ...]
    dangers: int
    safe: int


def lines(split: str) -> tuple[Line, ...]:
    records = [json.loads(line) for line in LINES.read_text("utf-8").split("\n") if line]
    found = [Line(record["text"], record["label"] == "danger", record["split"]) for record in records]
    return tuple(line for line in found if line.split == split)


def judge(split: str) -> Outcome:
    of_split = lines(split)
    return Outcome(
        tuple(line for line in of_split if line.is_danger and not detect(line.text)),
        tuple(line for line in of_split if not line.is_danger and detect(line.text)),
        sum(line.is_danger for line in of_split),
        sum(not line.is_danger for line in of_split),
    )


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share, which is never a single point (Wilson 1927)."""
    share = hits / count
    middle = share + _Z**2 / (2 * count)
    spread = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    whole = 1 + _Z**2 / count
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def main() -> int:
    for split in SPLITS:
        outcome = judge(split)
        seen = outcome.dangers - len(outcome.missed)
        for name, hits, count in (
            ("recall", seen, outcome.dangers),
            ("false alarms", len(outcome.false_alarms), outcome.safe),
        ):
            low, high = interval(hits, count)
            print(f"{split:<6}{name:<14}{hits:>4} of {count:<4}{hits / count:>7.1%}   95 %: {low:.1%} to {high:.1%}")
        if "-v" in sys.argv[1:]:
            for words, wrong in (("missed", outcome.missed), ("false alarm", outcome.false_alarms)):
                for line in wrong:
                    print(f"  {words}: {line.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
