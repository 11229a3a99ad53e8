"""Bytes of tokens into whole characters, up to a stop string. Pure; every split of the bytes gives the same text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Decodes UTF-8 as it comes (invalid bytes become U+FFFD) and ends before the stop string that completes first.

    Text that may turn out to begin a stop string is held back until that is decided.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self.stopped = False
        self._stops = tuple(stop for stop in stops if stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """Text that is certain now; empty once `stopped`."""
        if self.stopped:
            return ""
        text = self._decoder.decode(data)
        return self._release(self._held + text) if self._stops else text

    def finish(self) -> str:
        """What is left at the end of an answer: the text held back, and U+FFFD for a character cut short."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        rest = self._release(text) if self._stops else text
        held, self._held = self._held, ""
        return rest + held

    def fork(self) -> TextStream:
        """A copy that goes on from here on its own."""
        twin = TextStream(self._stops)
        twin.stopped = self.stopped
        twin._held = self._held
        twin._decoder.setstate(self._decoder.getstate())
        return twin

    def _release(self, text: str) -> str:
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many last characters of `text` are a proper beginning of `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def tokens_until_stop(stream: TextStream, pieces: Sequence[bytes]) -> tuple[int, str]:
    """Pushes token after token into `stream` until it has stopped; the number pushed, and the text of them all."""
    parts: list[str] = []
    for count, piece in enumerate(pieces, start=1):
        parts.append(stream.push(piece))
        if stream.stopped:
            return count, "".join(parts)
    return len(pieces), "".join(parts)
