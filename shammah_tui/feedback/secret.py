"""Ratings without keys and passwords: those must never become training rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.journal.secret import masked
from shammah_tui.store.rating import Rating


def without_secrets(rating: Rating) -> Rating:
    """The rating with every text masked, and `masked` telling what was found (with what it told before)."""
    found: list[str] = list(rating.masked)

    def clean(text: str) -> str:
        text, kinds = masked(text)
        found.extend(kinds)
        return text

    shot = rating.snapshot
    shot = replace(
        shot,
        messages=_clean_messages(shot.messages, clean),
        answer=clean(shot.answer),
        system=clean(shot.system),
    )
    cleaned = replace(rating, snapshot=shot, note=clean(rating.note), correction=clean(rating.correction))
    return replace(cleaned, masked=tuple(dict.fromkeys(found)))


def _clean_messages(messages: Sequence[Message], clean: Callable[[str], str]) -> tuple[Message, ...]:
    return tuple(
        replace(
            message,
            content=clean(message.content),
            tool_calls=tuple(ToolCall(call.id, call.name, clean(call.arguments)) for call in message.tool_calls),
        )
        for message in messages
    )
