"""What a transcript is made of: blocks that draw themselves as lines for a width, and know nothing of the screen.

Every line begins with a gutter of `GUTTER` cells, which copying leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from textual.content import Content

from shammah_tui.conversation import FinishReason, ToolCall
from shammah_tui.ui.markdown import Markdown
from shammah_tui.ui.markdown_block import wrapped
from shammah_tui.ui.plain import first_line, visible

GUTTER = 2
_EMPTY_GUTTER = Content(" " * GUTTER)


class Block(Protocol):
    """One thing in the transcript. `lines` keeps what it drew until it changes or is told to `forget`."""

    def lines(self, width: int) -> list[Content]: ...

    def forget(self) -> None: ...


class Drawn:
    """Keeps the lines of one width. A subclass draws, and calls `forget` where it has changed."""

    def __init__(self) -> None:
        self._lines: list[Content] = []
        self._width = 0

    def lines(self, width: int) -> list[Content]:
        if self._width != width:
            self._lines, self._width = self._draw(width), width
        return self._lines

    def forget(self) -> None:
        self._lines, self._width = [], 0

    def _draw(self, width: int) -> list[Content]:
        raise NotImplementedError


class Question(Drawn):
    """What the person sent, as it was typed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def _draw(self, width: int) -> list[Content]:
        bar = Content.styled("▌ ", "$accent")
        body = wrapped(Content(visible(self.text)), width - GUTTER - 1)
        return [
            (bar + line).pad_right(width - GUTTER - line.cell_length).stylize_before("on $surface") for line in body
        ]


@dataclass(frozen=True, slots=True)
class Remark:
    """A line below an answer: how it ended, what it cost, what to do next."""

    text: str
    style: str = "$quiet"


ENDED_EARLY: dict[FinishReason, Remark] = {
    "interrupted": Remark("■ Interrupted. What was said stays.", "$warning"),
    "length": Remark("■ Stopped at the longest answer that the settings allow (max_tokens).", "$warning"),
}


class Answer(Drawn):
    """A model's answer while it grows and afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._body = Markdown()
        self._remarks: list[Remark] = []
        self._waiting = ""

    @property
    def source(self) -> str:
        return self._body.source

    def append(self, text: str) -> None:
        self._body.append(text)
        self.wait_for("")

    def wait_for(self, reason: str) -> None:
        """Say what the answer waits for; an empty reason ends the waiting."""
        self._waiting = reason
        self._changed()

    def request(self, call: ToolCall) -> None:
        """A tool that the model asked for, shown and not run."""
        asked = f"{call.name} {first_line(call.arguments)}".strip()
        self.remark(Remark(f"◇ It asked for a tool: {asked}. Tools come with a later version; nothing was run."))

    def remark(self, remark: Remark) -> None:
        self._remarks.append(remark)
        self.wait_for("")

    def finish(self) -> None:
        self._body.finish()
        self.wait_for("")

    def forget(self) -> None:
        super().forget()
        self._body.forget()

    def _changed(self) -> None:
        """Draw anew, but keep what the body has drawn of itself."""
        super().forget()

    def _draw(self, width: int) -> list[Content]:
        inner = width - GUTTER
        lines = [_EMPTY_GUTTER + line for line in self._body.lines(inner)]
        remarks = [Remark(self._waiting)] if self._waiting else self._remarks
        if lines and remarks:
            lines.append(Content(""))
        for remark in remarks:
            text = Content.styled(visible(remark.text), remark.style)
            lines.extend(_EMPTY_GUTTER + line for line in wrapped(text, inner))
        return lines
