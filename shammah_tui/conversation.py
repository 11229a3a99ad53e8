"""The values a conversation is made of, the same for every backend. No I/O, no provider's form.

A conversation is a tuple of messages: at most one `system` first, then `user`, `assistant` and `tool` in turn; each
tool call of an assistant has exactly one `tool` message with its id after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]

# Why an answer ended. `interrupted`: the person pressed Esc; `lost`: the backend went away in the middle.
FinishReason = Literal["stop", "length", "tool_calls", "interrupted", "lost"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to run a tool; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """Set on `tool` messages alone: the call that this is the result of."""
    failed: bool = False
    """Set on `tool` messages alone: the call was refused, or went wrong."""
    verbatim: str = ""
    """An assistant's message exactly as its provider gave it (signed thinking among it), as `TurnEnded` told it: sent
    back unchanged to that same model, by which alone it is read. Empty where text and calls say all."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a tool wrote; digests are SHA-256, `before` is empty where there was none."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A message with what is known about it beyond its text; its place in the session is its sequence number."""

    message: Message
    finish_reason: FinishReason = "stop"
    model: str = ""
    """Who answered, and on which route ("local" or "claude"), for which reason; empty for a person's message."""
    route: str = ""
    reason: str = ""
    adapter: str = ""
    shown: str = ""
    """What the person typed, where more than that was sent (attached files); a tool result in one line."""
    diff: str = ""
    changes: tuple[FileChange, ...] = ()
    adapter_why: str = ""
    """Why this adapter answered, or none, in one phrase; empty where it was simply the active one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; `cached_tokens` of the prompt were not computed again, `cache_write_tokens` of it were put
    into the provider's cache. `completion_tokens` counts thinking too."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None
    """What the request costs, in US dollars; None where nobody charges for it, or the price is not known."""


def as_object(arguments: Any) -> Any:
    """What a call was made with, for a template; text that is no JSON (an answer cut short) stays text."""
    if not isinstance(arguments, str):
        return arguments or {}
    # Not before the first picture.
    import json

    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
