"""What the person sent before, kept in the home across sessions: one text a line, the newest last. A text is a JSON
string, or where some of it was pasted, an array of what was typed and what was pasted, in turns.

A torn or garbled line costs that line only. The file is 0600, read once, appended to, and cut when it has grown. What
tells of danger to the person (`crisis`) is never written to it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

KEPT = 1000
# The file is rewritten only when it holds this many times what is kept.
SLACK = 2


class History:
    """Texts that were sent, with a position that Up and Down move. `draft` is what was being typed meanwhile."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: list[str] | None = None
        self._pasted: dict[str, tuple[str, ...]] = {}
        self._problem = ""
        self._position = 0
        self._draft = ""

    @property
    def problem(self) -> str:
        """Why what was sent earlier could not be read; empty when it could."""
        self._read_once()
        return self._problem

    @property
    def _texts(self) -> list[str]:
        return self._read_once()

    def _read_once(self) -> list[str]:
        """When it is first asked for: nobody needs it to begin to type."""
        if self._known is None:
            self._known = []
            if self._file is not None:
                try:
                    self._known = [self._joined(pieces) for pieces in _read(self._file)]
                except OSError as error:
                    self._problem = error.strerror or str(error)
            self._position = len(self._known)
        return self._known

    def add(self, *pieces: str) -> None:
        """Remember a text as the newest, unless it repeats the one before. `pieces`: what was typed of it and what was
        pasted, in turns, the typed first. Raises OSError where it cannot be kept."""
        # Its many forms are compiled when it is imported: not before the first picture.
        from shammah_tui.agent.crisis import detect

        texts = self._texts
        text = self._joined(pieces)
        repeated = bool(texts) and texts[-1] == text
        if not repeated:
            texts.append(text)
        self.rewind()
        if not repeated and self._file is not None and not detect(text):
            _append(self._file, pieces)

    def _joined(self, pieces: tuple[str, ...]) -> str:
        text = "".join(pieces)
        if len(pieces) > 1:
            self._pasted[text] = pieces[1::2]
        return text

    def pasted(self, text: str) -> tuple[str, ...]:
        """The parts of `text` that were pasted into it, where it was sent before."""
        return self._pasted.get(text, ())

    @property
    def texts(self) -> tuple[str, ...]:
        """What was sent, the newest first, each once."""
        return tuple(dict.fromkeys(reversed(self._texts)))

    def rewind(self) -> None:
        self._position = len(self._texts)
        self._draft = ""

    def older(self, present: str) -> str | None:
        """The text before the present one; None at the oldest. `present` is kept as the draft at the first step."""
        texts = self._texts
        if self._position == 0:
            return None
        if self._position == len(texts):
            self._draft = present
        self._position -= 1
        return texts[self._position]

    def newer(self) -> str | None:
        """The text after the present one, at last the draft; None when already there."""
        texts = self._texts
        if self._position >= len(texts):
            return None
        self._position += 1
        return self._draft if self._position == len(texts) else texts[self._position]


def _read(file: Path) -> list[tuple[str, ...]]:
    if not file.exists():
        return []
    if not file.is_file():
        raise OSError(errno.EINVAL, "It is not a regular file", str(file))
    lines = file.read_bytes().split(b"\n")
    texts = [pieces for line in lines if (pieces := _decode(line))]
    kept = texts[-KEPT:]
    if len(texts) > KEPT * SLACK:
        _rewrite(file, kept)
    return kept


def _decode(line: bytes) -> tuple[str, ...]:
    """The pieces of a text; none where the line holds no text."""
    # Not before the first picture, here and below.
    import json

    try:
        value = json.loads(line) if line.strip() else ""
    except ValueError:
        return ()
    pieces = value if isinstance(value, list) else [value]
    return tuple(pieces) if all(isinstance(piece, str) for piece in pieces) and any(pieces) else ()


def _encode(pieces: tuple[str, ...]) -> bytes:
    import json

    return json.dumps(pieces[0] if len(pieces) == 1 else pieces).encode() + b"\n"


def _append(file: Path, pieces: tuple[str, ...]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + _encode(pieces))
    finally:
        os.close(descriptor)


def _rewrite(file: Path, texts: list[tuple[str, ...]]) -> None:
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(_encode(pieces) for pieces in texts)
    fresh.replace(file)
