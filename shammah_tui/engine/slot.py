"""A sequence of the shared cache: which tokens' keys and values it holds, and the answer under way in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shammah_tui.conversation import Usage
from shammah_tui.engine.detokenize import TextStream, tokens_until_stop
from shammah_tui.engine.generation import Job
from shammah_tui.engine.request import GenerationEnded, TextGenerated


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What keys and values depend on besides the tokens. Equal keys may share, others never."""

    adapter: str = ""
    scale: float = 0.0


class Slot:
    """`tokens[:cached]` are in the cache; while decoding, the last token is sampled and not yet in it."""

    __slots__ = ("answer", "cached", "index", "key", "saved", "session", "tokens", "used_at")

    def __init__(self, index: int) -> None:
        self.index = index
        self.key = CacheKey()
        self.tokens: list[int] = []
        self.cached = 0
        self.session = ""
        self.saved = 0
        """How many of the tokens the session's file on disk holds."""
        self.used_at = 0.0
        self.answer: Answer | None = None

    def forget(self) -> None:
        self.tokens = []
        self.cached = self.saved = 0
        self.session = ""

    def truncate(self, length: int) -> None:
        del self.tokens[length:]
        self.cached = min(self.cached, length)
        self.saved = min(self.saved, length)


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


class Answer:
    """What the scheduler keeps of a request while it runs in a slot."""

    __slots__ = (
        "cached_tokens", "close", "draw", "ends", "first_at", "generated", "job", "limit", "pending", "pieces",
        "started_at", "stream", "untold",
    )  # fmt: skip

    def __init__(
        self, job: Job, draw: Callable[[int], int], close: Callable[[], None], pieces: Sequence[bytes], limit: int
    ) -> None:
        self.job = job
        self.draw = draw
        self.close = close
        self.pieces = pieces
        self.limit = limit
        """Tokens it may generate at most."""
        self.generated = 0
        self.cached_tokens = 0
        self.pending: list[int] = []
        """Tokens not handed over yet."""
        self.untold = 0
        """Tokens whose text is held back, so not counted to the reader yet."""
        self.stream = TextStream(job.request.stop)
        self.started_at = time.perf_counter()
        self.first_at = 0.0

    def flush(self) -> bool:
        """Hands over what has gathered; true where a stop string ended the answer."""
        tokens, self.pending = self.pending, []
        if not tokens:
            return False
        pieces = [self.pieces[token] for token in tokens]
        before = self.stream.fork() if self.job.request.stop else None
        text = self.stream.push(b"".join(pieces))
        if before is not None and self.stream.stopped:
            count, text = tokens_until_stop(before, pieces)
            self.generated -= len(tokens) - count
            tokens = tokens[:count]
        self.untold += len(tokens)
        self._tell(text)
        return self.stream.stopped

    def finish(self, reason: str) -> GenerationEnded:
        """Hands over the rest and the end."""
        if self.flush():
            reason = "stop"
        self._tell(self.stream.finish())
        now = time.perf_counter()
        first = self.first_at or now
        ended = GenerationEnded(
            reason=reason,  # type: ignore[arg-type]
            usage=Usage(len(self.job.prompt), self.generated, self.cached_tokens),
            queued_seconds=self.started_at - self.job.asked_at,
            first_token_seconds=first - self.job.asked_at,
            decode_seconds=now - first,
        )
        self.job.put(ended)
        return ended

    def _tell(self, text: str) -> None:
        if text:
            self.job.put(TextGenerated(text, self.untold))
            self.untold = 0
