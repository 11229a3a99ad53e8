"""Finding words in the conversation: what is looked for as a pattern, and where it stands in drawn lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from shammah_tui.ui.lines import GUTTER


@dataclass(frozen=True, slots=True)
class Found:
    """A place in the lines of a block: a span of characters in each line that it touches."""

    spans: tuple[tuple[int, int, int], ...]
    """Line, first character, character after the last."""

    @property
    def line(self) -> int:
        return self.spans[0][0]


def pattern_of(query: str) -> re.Pattern[str] | None:
    """The words of `query` in this order, wherever a line was broken between them; None where there are none.

    Capitals matter only where the query has one.
    """
    words = query.split()
    if not words:
        return None
    flags = re.NOFLAG if query != query.lower() else re.IGNORECASE
    return re.compile(r"\s+".join(map(re.escape, words)), flags)


def found_in(lines: Sequence[Content], pattern: re.Pattern[str]) -> list[Found]:
    """Where `pattern` stands in the lines of a block, their gutter left out."""
    texts = [line.plain[GUTTER:] for line in lines]
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    found = []
    line = 0
    for match in pattern.finditer("\n".join(texts)):
        while starts[line + 1] <= match.start():
            line += 1
        spans, at = [], line
        while at < len(texts) and starts[at] < match.end():
            first, last = max(match.start(), starts[at]), min(match.end(), starts[at] + len(texts[at]))
            if last > first:
                spans.append((at, first - starts[at] + GUTTER, last - starts[at] + GUTTER))
            at += 1
        if spans:
            found.append(Found(tuple(spans)))
    return found
