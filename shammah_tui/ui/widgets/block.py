"""What a transcript is made of: blocks that draw themselves as lines for a width, and know nothing of the screen.

Every line begins with a gutter of `GUTTER` cells, which copying leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.content import Content

from shammah_tui.ui import wording
from shammah_tui.ui.lines import GUTTER, wrapped
from shammah_tui.ui.plain import first_line, visible

EMPTY_GUTTER = Content(" " * GUTTER)
Rating = Literal["red", "yellow", "green"]
RATING_STYLES: dict[Rating, str] = {"red": "$error", "yellow": "$warning", "green": "$success"}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the block cursor halts: `count` lines of a block from its line `first` on."""

    first: int
    count: int
    what: str
    """What is copied from here, in a word or two: "the answer", say."""


class Block:
    """One thing in the transcript. Keeps the lines of one width until it has changed or is told to `forget`.

    A subclass draws, and calls `forget` where it has changed. `gap`: empty lines after it, where it has any line.
    """

    __slots__ = ("_lines", "_width", "gap")

    folds = False
    """Whether it can be opened and closed."""

    def __init__(self) -> None:
        self._lines: list[Content] = []
        self._width = 0
        self.gap = 1

    @property
    def text(self) -> str:
        """What is searched, and copied where nothing narrower is meant."""
        return ""

    @property
    def is_open(self) -> bool:
        return False

    def fold(self, is_open: bool) -> None:
        """Open or close it."""

    def lines(self, width: int) -> list[Content]:
        if self._width != width:
            self._lines, self._width = self._draw(width), width
        return self._lines

    def stops(self, width: int) -> list[Stop]:
        return [Stop(0, len(self.lines(width)), "")] if self.text else []

    def copied(self, stop: Stop) -> str:
        """What copying at one of its stops gives."""
        return self.text

    def forget(self) -> None:
        self._lines, self._width = [], 0

    def _draw(self, width: int) -> list[Content]:
        raise NotImplementedError


class Folding(Block):
    """A block that is one line or so until it is opened."""

    __slots__ = ("_is_open",)

    folds = True

    def __init__(self, *, is_open: bool = False) -> None:
        super().__init__()
        self._is_open = is_open

    @property
    def is_open(self) -> bool:
        return self._is_open

    def fold(self, is_open: bool) -> None:
        self._is_open = is_open
        self.forget()


class Question(Block):
    """What the person sent, as it was typed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @property
    def text(self) -> str:
        return self._text

    def stops(self, width: int) -> list[Stop]:
        return [Stop(0, len(self.lines(width)), "the question")]

    def _draw(self, width: int) -> list[Content]:
        bar = Content.styled("▌ ", "$accent")
        body = wrapped(Content(visible(self._text)), width - GUTTER - 1)
        return [
            (bar + line).pad_right(width - GUTTER - line.cell_length).stylize_before("on $surface") for line in body
        ]


class Thinking(Folding):
    """What the model thought before it answered, closed to one line."""

    __slots__ = ("_seconds", "_text", "_wrapped", "_wrapped_for", "_wrapped_to")

    def __init__(self, text: str = "", *, is_open: bool = False) -> None:
        super().__init__(is_open=is_open)
        self._text = text
        self._seconds: float | None = None
        self._wrapped: list[Content] = []
        """The lines of all that stands before the character `_wrapped_to`, as wide as `_wrapped_for`."""
        self._wrapped_to = 0
        self._wrapped_for = 0

    @property
    def text(self) -> str:
        return self._text

    def append(self, text: str) -> None:
        self._text += text
        self.forget()

    def finish(self, seconds: float) -> None:
        self._seconds = seconds
        self.forget()

    def stops(self, width: int) -> list[Stop]:
        return [Stop(0, len(self.lines(width)), "what it thought")]

    def _draw(self, width: int) -> list[Content]:
        if self._seconds is None:
            last = first_line(self._text.rstrip().rpartition("\n")[2][:width])
            head = Content.assemble(("∴ ", "$accent"), ("Thinking ", "$quiet"), (last, "italic $quiet"))
        else:
            took = f" for {self._seconds:.0f} s" if self._seconds >= 1 else ""
            sign = "▾" if self.is_open else "▸"
            head = Content.assemble(
                ("∴ ", "$faint"), (f"Thought{took} · {wording.count(len(self._text.split()), 'word')} {sign}", "$quiet")
            )
        lines = [head.truncate(width, ellipsis=True)]
        if self.is_open:
            lines += self._body(width - 2 * GUTTER)
        return lines

    def _body(self, width: int) -> list[Content]:
        """All that was thought; what stands before the last line break is wrapped once."""
        text = self._text.strip()
        if width != self._wrapped_for:
            self._wrapped, self._wrapped_to, self._wrapped_for = [], 0, width
        end = text.rfind("\n") + 1
        if end > self._wrapped_to:
            self._wrapped += _thought(text[self._wrapped_to : end - 1], width)
            self._wrapped_to = end
        return self._wrapped + _thought(text[end:], width)


def _thought(text: str, width: int) -> list[Content]:
    rule = Content.styled("  │ ", "$faint")
    return [rule + line.stylize_before("italic $quiet") for line in wrapped(Content(visible(text)), width)]


class Notice(Block):
    """Something that the person should know about this turn."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @property
    def text(self) -> str:
        return self._text

    def stops(self, width: int) -> list[Stop]:
        return [Stop(0, len(self.lines(width)), "the notice")]

    def _draw(self, width: int) -> list[Content]:
        body = wrapped(Content(visible(self._text)), width - GUTTER)
        mark = Content.styled("! ", "bold $warning")
        return [(mark if not at else EMPTY_GUTTER) + line.stylize_before("$warning") for at, line in enumerate(body)]


@dataclass(frozen=True, slots=True)
class Remark:
    """A line below an answer: how it ended, what it cost, what to do next."""

    text: str
    style: str = "$quiet"


class Closing(Block):
    """The last lines of an exchange: what it waits for, and afterwards how it ended, who answered, how it was rated."""

    __slots__ = ("_note", "_rating", "_remarks", "_waiting")

    def __init__(self, *remarks: Remark) -> None:
        super().__init__()
        self._remarks = remarks
        self._waiting = ""
        self._rating: Rating | None = None
        self._note = ""

    def wait_for(self, reason: str) -> bool:
        """Say what is waited for; an empty reason ends the waiting. Whether that is new."""
        if reason == self._waiting:
            return False
        self._waiting = reason
        self.forget()
        return True

    def remark(self, *remarks: Remark) -> None:
        self._remarks = (*self._remarks, *(remark for remark in remarks if remark.text))
        self.wait_for("")
        self.forget()

    def rate(self, rating: Rating | None, note: str) -> None:
        self._rating, self._note = rating, note
        self.forget()

    def stops(self, width: int) -> list[Stop]:
        return []

    def _draw(self, width: int) -> list[Content]:
        remarks = (Remark(self._waiting),) if self._waiting else self._remarks
        lines: list[Content] = []
        for remark in remarks:
            text = Content.styled(visible(remark.text), remark.style)
            lines.extend(EMPTY_GUTTER + line for line in wrapped(text, width - GUTTER))
        if self._rating is not None:
            note = f" · {first_line(self._note)}" if self._note else ""
            mark = Content.assemble(("● ", f"bold {RATING_STYLES[self._rating]}"), (f"{self._rating}{note}", "$quiet"))
            lines.append((EMPTY_GUTTER + mark).truncate(width, ellipsis=True))
        return lines
