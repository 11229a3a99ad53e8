"""A tool call in the transcript: a line of its own, with what it printed and changed folded behind it."""

from __future__ import annotations

from enum import Enum

from textual.content import Content

from shammah_tui.conversation import ToolCall
from shammah_tui.events import ToolFinished
from shammah_tui.ui import wording
from shammah_tui.ui.diff import draw_diff
from shammah_tui.ui.lines import GUTTER
from shammah_tui.ui.plain import first_line, visible
from shammah_tui.ui.subject import subject
from shammah_tui.ui.widgets.block import Folding, Stop

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_PER_SECOND = 10
RUNNING_LINES = 3
"""How much of a running command's output is shown."""
FOLDED_DIFF_LINES = 12
FOLDED_FAILURE_LINES = 3
OPEN_LINES_MAX = 2_000
# Of a running command's output no more is kept; the whole comes with its end.
KEPT_CHARACTERS = 8_000
SECONDS_SHOWN_FROM = 1.0
SUMMARY_SHARE = 0.4
_RULE = Content.styled("  │ ", "$faint")


class State(Enum):
    """A sign that also says it without colour, and the colour."""

    ASKED = ("◇", "$quiet")
    WAITING = ("?", "bold $warning")
    RUNNING = ("◍", "$accent")
    DONE = ("✓", "$success")
    FAILED = ("✕", "$error")
    REFUSED = ("⊘", "$warning")
    STOPPED = ("■", "$warning")


class ToolBlock(Folding):
    __slots__ = ("_finished", "_frame", "_output", "call", "state", "subject")

    def __init__(self, call: ToolCall, *, is_open: bool = False) -> None:
        super().__init__(is_open=is_open)
        self.call = call
        self.subject = subject(call)
        self.state = State.ASKED
        self._output = ""
        self._finished: ToolFinished | None = None
        self._frame = -1

    @property
    def text(self) -> str:
        """The call and what came of it."""
        return f"{self.call.name} {self.subject}\n{self._result}"

    @property
    def _result(self) -> str:
        return self._output if self._finished is None else self._finished.diff or self._finished.text

    def become(self, state: State) -> None:
        self.state = state
        self.forget()

    def print(self, text: str) -> None:
        self._output = (self._output + text)[-KEPT_CHARACTERS:]
        self.forget()

    def end(self, finished: ToolFinished) -> None:
        self._finished = finished
        self._output = ""
        self.become(State.REFUSED if finished.refused else State.FAILED if finished.failed else State.DONE)

    def turn_spinner(self, seconds: float) -> bool:
        """Show the frame of this moment; whether it is another one."""
        frame = int(seconds * FRAMES_PER_SECOND) % len(SPINNER)
        if self.state is not State.RUNNING or frame == self._frame:
            return False
        self._frame = frame
        self.forget()
        return True

    def stops(self, width: int) -> list[Stop]:
        return [Stop(0, len(self.lines(width)), "the tool's output")]

    def copied(self, stop: Stop) -> str:
        return self._result

    def _draw(self, width: int) -> list[Content]:
        shown, hidden = self._shown(width - 2 * GUTTER)
        lines = [self._head(width, hidden), *(_RULE + line for line in shown)]
        if hidden and shown and self.state is not State.RUNNING:
            lines.append(_RULE + Content.styled(f"… {wording.count(hidden, 'more line')}", "$quiet"))
        return lines

    def _shown(self, width: int) -> tuple[list[Content], int]:
        """The lines that are seen below the head, and how many are not."""
        finished = self._finished
        if finished is not None and finished.diff:
            drawn = draw_diff(finished.diff, width)
            # One line more than would be hidden is shown instead of counted.
            limit = OPEN_LINES_MAX if self.is_open else FOLDED_DIFF_LINES
            shown = drawn if len(drawn) <= limit + 1 else drawn[:limit]
            return shown, len(drawn) - len(shown)
        printed = finished.text if finished is not None else _overwritten(self._output)
        lines = [(line, "$quiet") for line in visible(printed).strip("\n").split("\n")] if printed.strip() else []
        if "\n" in self.subject.strip():
            # The head shows the first line of a command alone.
            lines = [(line, "$accent") for line in visible(self.subject).split("\n")] + lines
        if self.is_open:
            seen = lines[:OPEN_LINES_MAX]
        elif self.state is State.RUNNING:
            seen = lines[-RUNNING_LINES:]
        elif self.state is State.FAILED:
            seen = lines[-FOLDED_FAILURE_LINES:]
        else:
            seen = []
        rows = [row for line, style in seen for row in _folded(line, width, style)]
        # While it runs the height stays the same, so that nothing below jumps.
        if self.state is State.RUNNING and not self.is_open:
            rows = rows[-RUNNING_LINES:]
        return rows, len(lines) - len(seen)

    def _head(self, width: int, hidden: int) -> Content:
        sign, colour = self.state.value
        if self.state is State.RUNNING and self._frame >= 0:
            sign = SPINNER[self._frame]
        left = Content.assemble((f"{sign} ", colour), (visible(self.call.name), "bold"), " ")
        facts = self._facts()
        tail = Content.assemble(*((f" · {part}", style) for part, style in facts))
        if self.is_open or hidden:
            size = wording.count(hidden, "line")
            known = any(size in fact for fact, _ in facts)
            tail += Content.styled(" ▾" if self.is_open else " ▸" if known else f" ▸ {size}", "$quiet")
        what = Content(first_line(self.subject))
        if left.cell_length + what.cell_length + tail.cell_length > width:
            room = max(int(width * SUMMARY_SHARE), width - left.cell_length - what.cell_length)
            tail = tail.truncate(room, ellipsis=True)
            what = what.truncate(max(1, width - left.cell_length - tail.cell_length), ellipsis=True)
        return (left + what + tail).truncate(width, ellipsis=True)

    def _facts(self) -> list[tuple[str, str]]:
        match self.state, self._finished:
            case State.WAITING, _:
                return [("waits for your answer", "$warning")]
            case State.STOPPED, _:
                return [("stopped", "$warning")]
            case State.REFUSED, finished if finished is not None:
                return [(first_line(finished.summary) or "not allowed", "$warning")]
            case _, finished if finished is not None:
                facts = [(first_line(finished.summary), "$error" if finished.failed else "$quiet")]
                if finished.truncated:
                    facts.append(("cut", "$warning"))
                if finished.seconds >= SECONDS_SHOWN_FROM:
                    facts.append((wording.duration(finished.seconds), "$quiet"))
                return [fact for fact in facts if fact[0]]
            case _:
                return []


def _overwritten(output: str) -> str:
    """What a terminal would still show of lines that a progress bar writes again and again."""
    return "\n".join(line.removesuffix("\r").rpartition("\r")[2] for line in output.split("\n"))


def _folded(line: str, width: int, style: str) -> list[Content]:
    return Content.styled(line, style).fold(max(1, width)) or [Content("")]
