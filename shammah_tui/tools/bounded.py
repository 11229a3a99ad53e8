"""Text of any length, kept within bounds: the head and the tail, and how much was left out between them."""

from __future__ import annotations

import codecs


class HeadAndTail:
    """Takes text in pieces and keeps the first and the last `characters // 2` of it. Memory does not grow."""

    def __init__(self, characters: int) -> None:
        self._half = max(1, characters // 2)
        self._head = ""
        self._tail = ""
        self.length = 0
        """Characters that were added in all."""

    def add(self, text: str) -> None:
        self.length += len(text)
        if len(self._head) < self._half:
            room = self._half - len(self._head)
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail = (self._tail + text[-self._half :])[-self._half :]

    @property
    def left_out(self) -> int:
        return self.length - len(self._head) - len(self._tail)

    def text(self, how_to_get_the_rest: str) -> str:
        """The whole where it fits; otherwise head, a line that says what is missing, tail."""
        if not self.left_out:
            return self._head + self._tail
        return f"{self._head}\n[… {self.left_out} characters left out; {how_to_get_the_rest} …]\n{self._tail}"


class Decoder:
    """Bytes that arrive in pieces as text: UTF-8, what is no text replaced, a character cut between pieces whole."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, data: bytes, *, final: bool = False) -> str:
        return self._decoder.decode(data, final).replace("\0", "\N{SYMBOL FOR NULL}")


def clipped(line: str, characters: int) -> str:
    """The beginning of a line, with a note where there was more."""
    return line if len(line) <= characters else f"{line[:characters]} [… the line goes on]"
