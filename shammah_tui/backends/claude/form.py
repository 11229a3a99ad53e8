"""Our messages and tools as a request of the Messages API (platform.claude.com, API reference: create a message).

What the API demands: the system prompt apart; roles alternate, a person first; every `tool_use` is answered by a
`tool_result` in the very next message, results before other blocks; no text block is empty; thinking comes back
unchanged, to the model that thought it. Breakpoints of the prompt cache stand after the tools, after the system prompt
and after the last two messages of the person's side, so that the next request finds what this one wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from shammah_tui.backends.claude.model import ClaudeModel
from shammah_tui.config.settings import ClaudeSettings
from shammah_tui.conversation import Message, ToolCall, ToolSpec

Block = dict[str, Any]

CACHE = {"type": "ephemeral"}
HISTORY_BREAKPOINTS = 2
NO_RESULT = "There is no result: the call was interrupted."
# In place of a question that holds nothing: the API takes no empty message.
NOTHING = "(nothing)"
BUDGET_TOKENS_MIN = 1024
# Efforts at which the API refuses to turn thinking off.
NEVER_WITHOUT_THINKING = ("xhigh", "max")
# What the id of a call may not hold; the local model's may.
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Verbatim:
    """An answer as the API gave it: the model, and its content blocks."""

    model: str
    blocks: tuple[Block, ...]

    def encode(self) -> str:
        return json.dumps({"model": self.model, "content": self.blocks}, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> Verbatim | None:
        """None for a text that is not ours, or not whole."""
        try:
            value = json.loads(text) if text else {}
            return cls(str(value["model"]), tuple(dict(block) for block in value["content"]))
        except (ValueError, TypeError, KeyError):
            return None


def request_of(
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    settings: ClaudeSettings,
    model: ClaudeModel,
    max_tokens: int,
    *,
    thinking_from: int = 0,
) -> dict[str, Any]:
    """The request's body. Of the messages before number `thinking_from` no thinking is sent back: the API refuses it
    where anything before it has changed since."""
    system = "\n\n".join(
        message.content for message in messages if message.role == "system" and message.content.strip()
    )
    turns = _turns(messages, model.id, thinking_from)
    body: dict[str, Any] = {
        "model": model.id,
        "max_tokens": max_tokens,
        "messages": _with_breakpoints(turns),
    }
    if system:
        body["system"] = [{"type": "text", "text": system, "cache_control": CACHE}]
    if tools:
        body["tools"] = _tools(tools)
    if thinking := _thinking(settings, model, max_tokens, turns):
        body["thinking"] = thinking
    if settings.effort in model.efforts:
        body["output_config"] = {"effort": settings.effort}
    return body


def _tools(tools: Sequence[ToolSpec]) -> list[Block]:
    forms: list[Block] = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": {"type": "object", **tool.parameters},
        }
        for tool in tools
    ]
    forms[-1]["cache_control"] = CACHE
    return forms


def _thinking(settings: ClaudeSettings, model: ClaudeModel, max_tokens: int, turns: Sequence[Block]) -> Block | None:
    """How the model is told to think; None where it is not told."""
    thinks = settings.thinking or settings.effort in NEVER_WITHOUT_THINKING
    if model.thinking == "always" or (model.thinking == "adaptive" and thinks):
        # Without it newer models leave the text of their thinking out, and between tools all they say with it.
        return {"type": "adaptive", "display": "summarized"}
    if model.thinking == "adaptive":
        return {"type": model.thinking_off}
    if model.thinking == "budget" and settings.thinking and _may_think_by_budget(turns):
        budget = min(settings.thinking_tokens, max_tokens - 1)
        return {"type": "enabled", "budget_tokens": budget} if budget >= BUDGET_TOKENS_MIN else None
    return None


def _may_think_by_budget(turns: Sequence[Block]) -> bool:
    """Older models refuse to think where the calls that they are answered for have no thinking before them."""
    if not any(block["type"] == "tool_result" for block in turns[-1]["content"]):
        return True
    return any(block["type"] in ("thinking", "redacted_thinking") for block in turns[-2]["content"][:1])


def _turns(messages: Sequence[Message], model: str, thinking_from: int) -> list[Block]:
    """Messages of alternating roles, the first and the last of them a person's."""
    turns: list[Block] = []
    ids: set[str] = set()
    for number, message in enumerate(messages):
        if message.role == "assistant":
            blocks = _answer(message, model if number >= thinking_from else "")
            if blocks and not turns:
                _add(turns, "user", [_text(NOTHING)])
            if blocks:
                _add(turns, "assistant", blocks)
                results = _results(blocks, messages[number + 1 :], ids)
                if results:
                    _add(turns, "user", results)
        elif message.role == "user" and message.content.strip():
            _add(turns, "user", [_text(message.content)])
    if not turns or turns[-1]["role"] != "user":
        _add(turns, "user", [_text(NOTHING)])
    return turns


def _results(blocks: list[Block], rest: Sequence[Message], ids: set[str]) -> list[Block]:
    """One result for each call in `blocks`, from the tools' messages that `rest` begins with.

    The ids of calls are made unique in the whole request: another model may count them anew in each answer.
    """
    told = {message.tool_call_id: message for message in takewhile(lambda message: message.role == "tool", rest)}
    results = []
    for block in blocks:
        if block["type"] != "tool_use":
            continue
        message = told.get(block["id"])
        block["id"] = unique = _unique(_FOREIGN.sub("_", block["id"]) or "call", ids)
        if message is None:
            results.append(_result(unique, NO_RESULT, failed=True))
        else:
            results.append(_result(unique, message.content, failed=message.failed))
    return results


def _unique(name: str, names: set[str]) -> str:
    found = name
    for number in count(2):
        if found not in names:
            break
        found = f"{name}_{number}"
    names.add(found)
    return found


def _add(turns: list[Block], role: str, blocks: list[Block]) -> None:
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _answer(message: Message, model: str) -> list[Block]:
    """An assistant's blocks: as the same model gave them, else made of text and calls."""
    said = Verbatim.decode(message.verbatim)
    if said is not None and said.model == model:
        calls = [block.get("id") for block in said.blocks if block.get("type") == "tool_use"]
        if calls == [call.id for call in message.tool_calls]:
            return [dict(block) for block in said.blocks]
    blocks = [_text(message.content)] if message.content.strip() else []
    return blocks + [_call(call) for call in message.tool_calls]


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _call(call: ToolCall) -> Block:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)}


def _result(call: str, text: str, *, failed: bool) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call}
    # A text block must hold something, and a result may hold nothing at all.
    if text.strip():
        block["content"] = [_text(text)]
    if failed:
        block["is_error"] = True
    return block


def _input(arguments: str) -> dict[str, Any]:
    """A call's arguments as an object; what another model wrote wrongly is kept as a text in it."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        value = arguments
    return value if isinstance(value, dict) else {"arguments": value}


def _with_breakpoints(turns: list[Block]) -> list[Block]:
    persons = [turn for turn in turns if turn["role"] == "user"]
    for turn in persons[-HISTORY_BREAKPOINTS:]:
        turn["content"][-1] = {**turn["content"][-1], "cache_control": CACHE}
    return turns
