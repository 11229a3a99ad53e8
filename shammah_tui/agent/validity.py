"""What every backend demands of a conversation, checked before each request, and repaired where it does not hold.

One system message first; then user and assistant in turn; each tool call of an assistant answered by exactly one tool
message right after it, in the order of the calls; no tool message without its call. (A question may follow a tool's
result at once: that turn was interrupted; questions that follow each other are sent as one.) Our own records are valid
by construction: a repair means that a session was damaged, edited, or written by another version, and is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shammah_tui.conversation import Message

LOST = "The result of this call was lost."


@dataclass(frozen=True, slots=True)
class Valid:
    """`repairs`: what was changed, a sentence each; empty where nothing was."""

    messages: tuple[Message, ...]
    repairs: tuple[str, ...] = ()


def valid(messages: Sequence[Message]) -> Valid:
    """The same conversation in a form that every backend accepts. Never empty where a user said something."""
    repairs: list[str] = []
    system = [message for message in messages if message.role == "system"]
    if len(system) > 1 or (system and messages[0].role != "system"):
        repairs.append("the system prompt was not the first message")
    spoken = _distinct([message for message in messages if message.role in ("user", "assistant")], repairs)
    turns = _in_turn(spoken, repairs)
    results = _results([message for message in messages if message.role == "tool"], repairs)
    return Valid((*system[:1], *_answered(turns, results, repairs)), tuple(dict.fromkeys(repairs)))


def _distinct(messages: Sequence[Message], repairs: list[str]) -> list[Message]:
    """No two calls with one id: their results could not be told apart."""
    found: list[Message] = []
    used: set[str] = set()
    for message in messages:
        calls = tuple({call.id: call for call in message.tool_calls if call.id not in used}.values())
        if len(calls) < len(message.tool_calls):
            repairs.append("two tool calls had the same id")
            message = replace(message, tool_calls=calls)
        used.update(call.id for call in calls)
        found.append(message)
    return found


def _in_turn(messages: Sequence[Message], repairs: list[str]) -> list[Message]:
    """The person first, then assistant and person alternately; an assistant goes on by itself after its tools."""
    found: list[Message] = []
    for message in messages:
        before = found[-1] if found else None
        if message.role == "user":
            if before is not None and before.role == "user":
                # A command that the person ran stands before their next question.
                found[-1] = replace(before, content=f"{before.content}\n\n{message.content}")
            else:
                found.append(message)
        elif not message.content and not message.tool_calls:
            repairs.append("an answer was empty")
        elif before is None:
            repairs.append("an answer stood before the first question")
        elif before.role == "assistant" and not before.tool_calls:
            repairs.append("two answers followed each other")
            found[-1] = _joined(before, message)
        else:
            found.append(message)
    return found


def _joined(first: Message, second: Message) -> Message:
    parts = [message.content for message in (first, second) if message.content]
    return Message("assistant", "\n\n".join(parts), second.tool_calls)


def _results(messages: Sequence[Message], repairs: list[str]) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for message in messages:
        if message.tool_call_id in found:
            repairs.append("a tool call had two results")
        found.setdefault(message.tool_call_id, message)
    return found


def _answered(messages: Sequence[Message], results: dict[str, Message], repairs: list[str]) -> list[Message]:
    """Each call followed by its one result; a result without its call is left out."""
    found: list[Message] = []
    asked: set[str] = set()
    for message in messages:
        found.append(message)
        for call in message.tool_calls:
            asked.add(call.id)
            if call.id not in results:
                repairs.append("a tool call had no result")
            found.append(results.get(call.id) or Message("tool", LOST, tool_call_id=call.id, failed=True))
    if set(results) - asked:
        repairs.append("a tool result belonged to no call")
    return found
