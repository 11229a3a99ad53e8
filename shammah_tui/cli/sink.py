"""Where the events of one answer go: text, one JSON object at the end, or a JSON object for every event."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import Any, Protocol

from shammah_tui.cli.answer import Answer
from shammah_tui.cli.terminal import is_terminal, tell, tell_error, tell_warning
from shammah_tui.events import HelpShown, PermissionAsked, StepEnded, TextArrived, ToolFinished, TurnEvent
from shammah_tui.ui.plain import visible


class Sink(Protocol):
    def hear(self, event: TurnEvent) -> None: ...

    def finish(self, answer: Answer) -> None:
        """The answer is over, whole or not (`answer.failure`)."""


def sink_for(output_format: str, *, streaming: bool) -> Sink:
    if output_format == "json":
        return ObjectSink()
    if output_format == "stream-json":
        return EventSink()
    return TextSink(streaming=streaming)


class TextSink:
    """The answer alone, ended by one newline. A terminal is shown what it would obey, a pipe gets it as it is."""

    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming
        self._at_line_start = True
        self._for_terminal = is_terminal(sys.stdout)

    def hear(self, event: TurnEvent) -> None:
        match event:
            case TextArrived(text) if self._streaming:
                self._write(text)
                self._at_line_start = text.endswith("\n")
            case StepEnded() if self._streaming and not self._at_line_start:
                self._write("\n\n")
                self._at_line_start = True
            case HelpShown(title, text):
                self._write(f"{title}\n\n{text}\n")
            case ToolFinished() if is_terminal(sys.stderr):
                tell(visible(f"{'✕' if event.failed else '✓'} {event.summary}"))
            case _:
                pass

    def finish(self, answer: Answer) -> None:
        if not self._streaming:
            self._write(answer.text)
        if answer.has_text and not answer.text.endswith("\n"):
            self._write("\n")
        _tell_about(answer)

    def _write(self, text: str) -> None:
        sys.stdout.write(visible(text) if self._for_terminal else text)
        sys.stdout.flush()


class ObjectSink:
    def hear(self, event: TurnEvent) -> None:
        """Only the end counts."""

    def finish(self, answer: Answer) -> None:
        _print_object(answer.as_json())
        _tell_about(answer)


class EventSink:
    """Each event as an object with its `type`, and last one of type "result", as ObjectSink prints it."""

    def hear(self, event: TurnEvent) -> None:
        if isinstance(event, PermissionAsked):
            return  # Nobody is there to be asked; the refusal follows.
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        _print_object({"type": name, **asdict(event)})

    def finish(self, answer: Answer) -> None:
        _print_object({"type": "result", **answer.as_json()})
        _tell_about(answer)


def _print_object(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tell_about(answer: Answer) -> None:
    """On standard error: failures always, the rest where a person is there to read it."""
    if answer.failure is not None:
        tell_error(answer.failure.message, answer.failure.hint)
    elif is_terminal(sys.stderr):
        if answer.finish_reason == "length":
            tell_warning("The answer was cut at its longest length; --max-tokens allows more.")
        for notice in answer.notices:
            tell_warning(visible(notice))
        if any(called.outcome == "refused" for called in answer.called):
            tell_warning("A tool was refused: nobody could be asked. --permission-mode, or saved rules, allow it.")
        if answer.model is not None and answer.model.is_demo:
            tell("(by the built-in demo model, a toy; `shammah models` tells how to get a real one)")
