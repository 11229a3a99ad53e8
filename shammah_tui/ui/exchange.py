"""One question and its answer in the transcript, drawn event by event as the runtime yields them."""

from __future__ import annotations

import time
from collections.abc import Callable

from shammah_tui.events import (
    TextArrived,
    ToolRequested,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.ui import wording
from shammah_tui.ui.widgets.block import ENDED_EARLY, Answer, Question, Remark
from shammah_tui.ui.widgets.transcript import Transcript

SECONDS_SHOWN_FROM = 3
# A rate from fewer pieces than this says nothing yet.
PIECES_MIN = 8


class Exchange:
    """Text is gathered as it comes and drawn by `flush`, which the screen calls some twenty times a second."""

    def __init__(self, transcript: Transcript, question: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.question = question
        self._transcript = transcript
        self._answer = Answer()
        self._pending: list[str] = []
        self._clock = clock
        self._asked_at = clock()
        self._first_at = 0.0
        self._pieces = 0
        self._model = ""
        self.ended: TurnEnded | None = None
        self.failed = False
        self.answering = False
        self._blocks = (Question(question), self._answer)
        transcript.add(*self._blocks)
        transcript.follow()

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._answer.source + "".join(self._pending)

    @property
    def tokens_per_second(self) -> float:
        """Of the backend's own count when it is over; until then, of the pieces that came (a piece is a token)."""
        if self.ended is not None:
            return self.ended.tokens_per_second
        passed = self._clock() - self._first_at
        return self._pieces / passed if self._pieces >= PIECES_MIN and passed > 0 else 0.0

    @property
    def activity(self) -> str:
        """What the status line says of it; empty while it waits for the model."""
        if not self.answering:
            return ""
        seconds = int(self._clock() - self._asked_at)
        return f"answering {wording.duration(seconds)}" if seconds >= SECONDS_SHOWN_FROM else "answering"

    def hear(self, event: TurnEvent) -> None:
        match event:
            case TurnWaiting(reason):
                self.answering = False
                self._wait(f"◌ {reason} The answer begins by itself.")
            case TurnStarted(model):
                self.answering = True
                self._asked_at = self._clock()
                self._model = model
                self._wait("…")
            case TextArrived(text):
                self._first_at = self._first_at or self._clock()
                self._pieces += 1
                self._pending.append(text)
            case ToolRequested(call):
                self.flush()
                self._answer.request(call)
                self._transcript.changed(self._answer)
            case TurnEnded():
                self._end(event)
            case TurnFailed(message, hint):
                self.failed = True
                self._close(Remark(f"✕ {message}", "$error"), Remark(hint))

    def flush(self) -> None:
        if self._pending:
            text, self._pending = "".join(self._pending), []
            self._answer.append(text)
            self._transcript.changed(self._answer)

    def interrupt(self) -> None:
        self._close(ENDED_EARLY["interrupted"])

    def withdraw(self) -> None:
        """Take the question out of the transcript again."""
        self._transcript.take_out(*self._blocks)

    def _wait(self, reason: str) -> None:
        self._answer.wait_for(reason)
        self._transcript.changed(self._answer)

    def _end(self, event: TurnEnded) -> None:
        self.ended = event
        remark = ENDED_EARLY.get(event.finish_reason)
        if remark is not None:
            self._answer.remark(remark)
        facts = [self._model]
        if event.usage.completion_tokens:
            facts.append(f"{event.usage.completion_tokens} tokens")
        if event.tokens_per_second:
            facts.append(wording.speed(event.tokens_per_second))
        self._close(Remark(" · ".join(fact for fact in facts if fact)))

    def _close(self, *remarks: Remark) -> None:
        self.flush()
        self.answering = False
        for remark in remarks:
            if remark.text:
                self._answer.remark(remark)
        self._answer.finish()
        self._transcript.changed(self._answer)
