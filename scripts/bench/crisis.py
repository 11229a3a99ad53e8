"""Recall and false alarms of the crisis detection, over the labelled lines of the tests: scripts/bench/crisis [-v].

The lines are by this repository's authors, who also wrote the forms, with the lines of "dev" in view; those of "held"
were written before, and not looked at while the forms were made. Measured the first time, the forms saw 48 of the 50
held lines of danger, with no false alarm in 70; what split a sentence of the two missed was then mended, so these lines
are seen now too. Few lines, of few people: the figures say what was measured here, and not how well anybody's distress
is seen. `-v` prints the lines that went wrong.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.agent.crisis import detect

LINES = Path(__file__).parents[2] / "tests" / "agent" / "crisis_lines.jsonl"
# Of the normal distribution, for an interval of 95 %.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    is_danger: bool
    split: str
    """"dev" or "held"."""


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
    return (middle - spread) / whole, (middle + spread) / whole


def main() -> int:
    for split in ("dev", "held"):
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
