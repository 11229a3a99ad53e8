"""Messages of a prompt as JSON in a column."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import cast

from shammah_tui.conversation import Message, Role, ToolCall
from shammah_tui.store.text import storable


def messages_to_json(messages: Iterable[Message]) -> str:
    """A JSON array of objects; fields that say nothing are left out, and what a provider gave beside the text."""
    return json.dumps([{key: value for key, value in _fields(message).items() if value} for message in messages])


def messages_from_json(text: str) -> tuple[Message, ...]:
    return tuple(
        Message(
            cast(Role, one["role"]),
            one.get("content", ""),
            tuple(ToolCall(**call) for call in one.get("tool_calls", ())),
            one.get("tool_call_id", ""),
            one.get("failed", False),
        )
        for one in json.loads(text)
    )


def _fields(message: Message) -> dict[str, object]:
    return {**asdict(message), "content": storable(message.content), "verbatim": ""}
