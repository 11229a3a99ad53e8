"""What `shammah query` gathers of one turn, and the exit code that follows from it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any

from shammah_tui.conversation import FinishReason, ToolCall
from shammah_tui.errors import ShammahError
from shammah_tui.events import (
    BootstrapState,
    HelpShown,
    ModelSummary,
    Noticed,
    StepEnded,
    TextArrived,
    ToolFinished,
    ToolRequested,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
)

EXIT_TRY_AGAIN = 75


class OutOfTime(ShammahError):
    """The time that --timeout gave was up."""

    exit_code = EXIT_TRY_AGAIN

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No whole answer within {seconds:g} seconds.", "Give it more with --timeout.")


class Interrupted(ShammahError):
    """A signal ended it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Interrupted ({signal.Signals(number).name}).")
        self.exit_code = 128 + number


class AnswerFailed(ShammahError):
    """The turn failed; its words are the runtime's."""

    def __init__(self, event: TurnFailed) -> None:
        super().__init__(event.message, event.hint)
        self.exit_code = event.exit_code


@dataclass(slots=True)
class Called:
    """A tool that the model asked for, and how that ended; None while it has not."""

    call: ToolCall
    finished: ToolFinished | None = None

    @property
    def outcome(self) -> str:
        """ "done", "failed", "refused" or "not run"."""
        if self.finished is None:
            return "not run"
        if self.finished.refused:
            return "refused"
        return "failed" if self.finished.failed else "done"


@dataclass(slots=True)
class Answer:
    """One answer as far as it came. `failure` is set where it is not whole."""

    parts: list[str] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    started: TurnStarted | None = None
    ended: TurnEnded | None = None
    model: ModelSummary | None = None
    """None where Claude answers."""
    help: HelpShown | None = None
    """Shown in place of an answer, where the question tells of danger to the person."""
    failure: ShammahError | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def has_text(self) -> bool:
        return bool(self.parts)

    @property
    def finish_reason(self) -> FinishReason:
        if self.ended is not None:
            return self.ended.finish_reason
        if self.help is not None:
            return "stop"
        return "interrupted" if isinstance(self.failure, Interrupted | OutOfTime) else "lost"

    @property
    def exit_code(self) -> int:
        return self.failure.exit_code if self.failure is not None else 0

    def hear(self, event: TurnEvent, state: BootstrapState) -> None:
        match event:
            case TurnStarted():
                # After a doubtful answer, that of Claude.
                if self.text and not self.text.endswith("\n\n"):
                    self.parts.append("\n\n")
                self.started, self.model = event, state.model if event.route == "local" else None
            case TextArrived(text):
                self.parts.append(text)
            case ToolRequested(call):
                self.called.append(Called(call))
            case ToolFinished(call_id):
                for called in self.called:
                    if called.call.id == call_id:
                        called.finished = event
            case StepEnded():
                # What is said after a tool is a paragraph of its own.
                if self.text and not self.text.endswith("\n"):
                    self.parts.append("\n\n")
            case HelpShown():
                self.help = event
            case Noticed(text):
                self.notices.append(text)
            case TurnEnded():
                self.ended = event
                if event.notice:
                    self.notices.append(event.notice)
            case TurnFailed():
                self.failure = AnswerFailed(event)
            case _:
                pass

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints. `error` is null in a whole answer; the other keys are always there."""
        ended = self.ended or TurnEnded(self.finish_reason)
        return {
            "answer": self.text,
            "model": self.model.id if self.model else None,
            "model_name": self.started.model if self.started else None,
            "route": self.started.route if self.started else None,
            "reason": self.started.reason or None if self.started else None,
            "help": f"{self.help.title}\n\n{self.help.text}" if self.help else None,
            "is_demo": self.model.is_demo if self.model else False,
            "finish_reason": self.finish_reason,
            "tool_calls": [
                {
                    "id": called.call.id,
                    "name": called.call.name,
                    "arguments": called.call.arguments,
                    "outcome": called.outcome,
                    "summary": called.finished.summary if called.finished else "",
                }
                for called in self.called
            ],
            "notices": self.notices,
            "usage": {
                "prompt_tokens": ended.usage.prompt_tokens,
                "completion_tokens": ended.usage.completion_tokens,
                "cached_tokens": ended.usage.cached_tokens,
                "cache_write_tokens": ended.usage.cache_write_tokens,
                "cost_usd": ended.usage.cost_usd,
            },
            "timings": {
                "first_token_seconds": ended.first_token_seconds,
                "total_seconds": ended.total_seconds,
                "tokens_per_second": ended.tokens_per_second,
            },
            "error": {"message": self.failure.message, "hint": self.failure.hint} if self.failure else None,
        }
