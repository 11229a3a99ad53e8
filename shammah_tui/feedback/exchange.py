"""Ratings as JSONL, one a line, in three forms.

- `full`: all that a rating holds, as this program reads it back.
- `preference`: TRL's `{"prompt": [messages], "chosen": [message], "rejected": [message]}`; of those with a rewrite.
- `completion`: TRL's `{"prompt": [messages], "completion": [message]}`; praised answers, and rewrites.

Reading takes all three, also with plain texts in the place of messages (huggingface.co/docs/trl/dataset_formats), and
tells them apart by their keys.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.feedback.rows import openai_message
from shammah_tui.feedback.snapshot import language_of
from shammah_tui.store.rating import Color, Rating, Snapshot

Form = Literal["full", "preference", "completion"]
FORMS: tuple[Form, ...] = ("full", "preference", "completion")
BYTES_MAX = 256 << 20
LINE_BYTES_MAX = 8 << 20


class WrittenCall(BaseModel):
    class Function(BaseModel):
        name: str
        arguments: str | dict[str, Any] = "{}"

    id: str = ""
    function: Function


class WrittenMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[WrittenCall] = Field(default_factory=list)
    tool_call_id: str = ""

    def message(self) -> Message:
        calls = [ToolCall(call.id, call.function.name, _as_text(call.function.arguments)) for call in self.tool_calls]
        return Message(self.role, self.content or "", tuple(calls), self.tool_call_id)


Texts = str | list[WrittenMessage]


class WrittenRating(BaseModel):
    """A line of any form. Keys that nobody here knows are ignored, as in every tool that reads such files."""

    model_config = ConfigDict(extra="ignore")

    prompt: Texts
    chosen: Texts | None = None
    rejected: Texts | None = None
    completion: Texts | None = None
    answer: str | None = None
    color: Color | None = None
    note: str = ""
    correction: str = ""
    session: str = Field(default="", max_length=200)
    turn: int = Field(default=0, ge=0)
    model: str = ""
    adapter: str = ""
    route: str = ""
    folder: str = ""
    paths: list[str] = Field(default_factory=list)
    created_at: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> WrittenRating:
        if not _messages(self.prompt, "user"):
            raise ValueError("prompt is empty")
        if self.answer is None and self.completion is None and (self.chosen is None or self.rejected is None):
            raise ValueError("it has neither answer, nor chosen and rejected, nor completion")
        if not self.said.strip():
            raise ValueError("the answer is empty")
        return self

    @property
    def said(self) -> str:
        """The answer that is rated."""
        if self.answer is not None:
            return self.answer
        return _text(self.rejected if self.completion is None else self.completion)


@dataclass(frozen=True, slots=True)
class Parsed:
    ratings: tuple[Rating, ...]
    problems: tuple[tuple[int, str], ...]
    """Lines that cannot be used, by number from 1, with the reason."""


def parse(data: bytes, color: Color = "red") -> Parsed:
    """The ratings of a file; `color` is given to pairs of chosen and rejected answers that have none."""
    ratings: list[Rating] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(line) > LINE_BYTES_MAX:
            problems.append((number, f"it is longer than {LINE_BYTES_MAX >> 20} MiB"))
            continue
        try:
            ratings.append(_rating(WrittenRating.model_validate_json(line), color))
        except ValidationError as error:
            problems.append((number, _words(error)))
    return Parsed(tuple(ratings), tuple(problems))


def as_jsonl(ratings: Sequence[Rating], form: Form) -> tuple[bytes, int]:
    """The ratings in one of the forms, and how many of them have nothing to say in it."""
    objects = [_object(rating, form) for rating in ratings]
    written = [json.dumps(found, ensure_ascii=False).encode() + b"\n" for found in objects if found is not None]
    return b"".join(written), len(objects) - len(written)


def _object(rating: Rating, form: Form) -> dict[str, Any] | None:
    shot = rating.snapshot
    system = [Message("system", shot.system)] if shot.system else []
    prompt = [openai_message(message) for message in (*system, *shot.messages)]
    better = rating.rewrite or rating.correction
    match form:
        case "preference":
            if rating.color == "green" or not better:
                return None
            return {"prompt": prompt, "chosen": _assistant(better), "rejected": _assistant(shot.answer)}
        case "completion":
            text = shot.answer if rating.color == "green" else better
            return {"prompt": prompt, "completion": _assistant(text)} if text else None
        case "full":
            named = {name: getattr(shot, name) for name in ("session", "turn", "model", "adapter", "route", "folder")}
            more = {**named, "paths": list(shot.paths), "created_at": rating.created_at}
            own = {"color": rating.color, "note": rating.note, "correction": rating.correction}
            return {"prompt": prompt, "answer": shot.answer, **own, **more}


def _rating(written: WrittenRating, color: Color) -> Rating:
    messages = _messages(written.prompt, "user")
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    spoken = tuple(message for message in messages if message.role != "system")
    question = next((message.content for message in reversed(spoken) if message.role == "user"), "")
    shot = Snapshot(
        spoken,
        written.said,
        system,
        written.session,
        written.turn,
        written.model,
        written.adapter,
        written.route,
        written.folder,
        language_of(written.said, question, written.paths),
        tuple(written.paths),
    )
    preferred = _text(written.chosen) if written.answer is None and written.completion is None else ""
    default: Color = "green" if written.completion is not None else color
    correction = written.correction or preferred
    return Rating(0, written.color or default, shot, written.note, correction, created_at=written.created_at)


def _assistant(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def _messages(texts: Texts, role: Literal["user"]) -> list[Message]:
    if isinstance(texts, str):
        return [Message(role, texts)] if texts.strip() else []
    return [written.message() for written in texts]


def _text(texts: Texts | None) -> str:
    """The last thing said in an answer."""
    if texts is None or isinstance(texts, str):
        return texts or ""
    return next((written.content or "" for written in reversed(texts) if written.role == "assistant"), "")


def _as_text(arguments: str | dict[str, Any]) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _words(error: ValidationError) -> str:
    # Of a field that may be text or messages the alternative that went further is the one that was meant.
    first = max(error.errors(), key=lambda found: len(found["loc"]))
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("list["))
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
