"""A sequence of the shared cache: which tokens' keys and values it holds, and the answer under way in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shammah_tui.engine.answer import Answer


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What keys and values depend on besides the tokens. Equal keys may share, others never. `adapter` is the sha256
    of its file; the base alone is `BASE`."""

    adapter: str = ""
    scale: float = 0.0


BASE = CacheKey()


class Slot:
    """`tokens[:cached]` are in the cache; while decoding, the last token is sampled and not yet in it."""

    __slots__ = ("answer", "cached", "index", "key", "offered", "saved", "session", "tokens", "used_at")

    def __init__(self, index: int) -> None:
        self.index = index
        self.key = BASE
        self.tokens: list[int] = []
        self.cached = 0
        self.session = ""
        self.saved = 0
        """How many of the tokens the session's file on disk holds."""
        self.offered = 0
        """How many there were when it was last tried to save them in a pause, so that a failure is not tried anew."""
        self.used_at = 0.0
        self.answer: Answer | None = None

    def forget(self) -> None:
        self.tokens = []
        self.cached = self.saved = self.offered = 0
        self.session = ""

    def truncate(self, length: int) -> None:
        del self.tokens[length:]
        self.cached = min(self.cached, length)
        self.saved = min(self.saved, length)
        self.offered = min(self.offered, length)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common beginning; compares in blocks, as prompts run to tens of thousands of tokens."""
    limit = min(len(left), len(right))
    at = 0
    while at < limit and left[at : at + 256] == right[at : at + 256]:
        at += 256
    at = min(at, limit)
    while at < limit and left[at] == right[at]:
        at += 1
    return at
