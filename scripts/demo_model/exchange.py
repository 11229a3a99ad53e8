"""A piece of conversation with the answers that are wanted, and what its writer must know beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.demo_model.vocabulary import Draw

Message = dict[str, Any]
"""A message in OpenAI's form; a tool call's arguments are an object, not text."""


@dataclass(frozen=True)
class Context:
    """What the conversation around an exchange has fixed."""

    draw: Draw
    flipped: frozenset[str] = frozenset()
    """Names of the habits that a rule of this person turns round."""
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Exchange:
    skill: str
    kind: str
    messages: tuple[Message, ...]
    checks: Mapping[int, Callable[[str], bool]] = field(default_factory=dict)
    """Message index to judge of an answer; an assistant message without one must be repeated exactly."""


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def tool_result(text: str) -> Message:
    return {"role": "tool", "content": text}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*requests: dict[str, Any], text: str = "") -> Message:
    return {"role": "assistant", "content": text, "tool_calls": list(requests)}


def block(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"


def code_of(text: str, language: str = "") -> str | None:
    """The first fenced block's code, None where there is none (or none of that language)."""
    start = text.find(f"```{language}")
    if start < 0:
        return None
    start = text.find("\n", start) + 1
    end = text.find("\n```", start)
    return text[start:end] if start and end >= 0 else None
