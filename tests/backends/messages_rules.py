"""What the Messages API takes and what it refuses, as far as a client of ours could get it wrong."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

CONTEXT_TOKENS = {"claude-haiku-4-5": 200_000}
CONTEXT_TOKENS_OTHERWISE = 1_000_000
OUTPUT_TOKENS_MAX = 128_000
BREAKPOINTS_MAX = 4
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
ALWAYS_THINKS = ("claude-opus-5-5", "claude-fable-5-1", "claude-fable-5-2")
TAKES_BUDGET = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-4-6")


class Refusal(Exception):
    def __init__(self, message: str, *, status: int = 400, type: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type


@dataclass(frozen=True, slots=True)
class Prefix:
    """A request in the order of the cache: tools, system, messages. `digest` is of all of it."""

    digest: str
    breakpoints: tuple[tuple[str, int], ...]
    """The digest up to each breakpoint, and how many tokens that is."""


def tokens_of(body: dict[str, Any]) -> int:
    return sum(len(part) for part in _parts(body)) // 4


def prefix_of(body: dict[str, Any]) -> Prefix:
    digest = hashlib.sha256(str(body["model"]).encode())
    breakpoints = []
    characters = 0
    for part, marked in _marked_parts(body):
        digest.update(part.encode())
        characters += len(part)
        if marked:
            breakpoints.append((digest.hexdigest(), characters // 4))
    return Prefix(digest.hexdigest(), tuple(breakpoints))


def check(body: dict[str, Any], head: dict[str, str]) -> None:
    """Raises Refusal with the words of the API."""
    if "anthropic-version" not in head:
        raise Refusal("anthropic-version: header is required")
    _check_model(body)
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise Refusal("max_tokens: Field required")
    if body["max_tokens"] > OUTPUT_TOKENS_MAX:
        raise Refusal(
            f"max_tokens: {body['max_tokens']} > {OUTPUT_TOKENS_MAX}, which is the maximum allowed number of output "
            f"tokens for {body['model']}"
        )
    for name in ("temperature", "top_p", "top_k"):
        if name in body and not body["model"].startswith(TAKES_BUDGET):
            raise Refusal(f"`{name}` is not supported for this model.")
    _check_thinking(body)
    _check_tools(body.get("tools") or [])
    _check_messages(body.get("messages"))
    if sum(marked for _, marked in _marked_parts(body)) > BREAKPOINTS_MAX:
        raise Refusal(f"A maximum of {BREAKPOINTS_MAX} blocks with cache_control may be provided.")
    _check_signatures(body)
    tokens = tokens_of(body)
    most = CONTEXT_TOKENS.get(body["model"], CONTEXT_TOKENS_OTHERWISE)
    if tokens > most:
        raise Refusal(f"prompt is too long: {tokens} tokens > {most} maximum")


def _check_model(body: dict[str, Any]) -> None:
    model = body.get("model")
    if not isinstance(model, str) or not model.startswith("claude-") or model == "claude-none":
        raise Refusal(f"model: {model}", status=404, type="not_found_error")


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind, model = thinking.get("type"), body["model"]
    use = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
    if kind == "enabled":
        if not model.startswith(TAKES_BUDGET):
            raise Refusal(f'"thinking.type.enabled" is not supported for this model. {use}')
        if thinking.get("budget_tokens", 0) < 1024:
            raise Refusal("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if thinking["budget_tokens"] >= body["max_tokens"]:
            raise Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.")
        last = next((message for message in reversed(body["messages"]) if message["role"] == "assistant"), None)
        blocks = _blocks(last) if last else []
        continues = any(block["type"] == "tool_result" for block in _blocks(body["messages"][-1]))
        if continues and blocks and blocks[0]["type"] not in ("thinking", "redacted_thinking"):
            at = body["messages"].index(last)
            raise Refusal(
                f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
                "thinking block."
            )
    elif kind == "disabled" and model.startswith(ALWAYS_THINKS):
        raise Refusal(f'"thinking.type.disabled" is not supported for this model. {use}')
    elif kind == "disabled" and (body.get("output_config") or {}).get("effort") in ("xhigh", "max"):
        raise Refusal("`thinking.type.disabled` is not supported at this effort.")
    elif kind not in ("adaptive", "disabled", "between_tools"):
        raise Refusal(f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags")


def _check_tools(tools: list[dict[str, Any]]) -> None:
    names = [tool.get("name", "") for tool in tools]
    for at, tool in enumerate(tools):
        if not TOOL_NAME.fullmatch(names[at]):
            raise Refusal(f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if tool.get("input_schema", {}).get("type") != "object":
            raise Refusal(f"tools.{at}.custom.input_schema.type: Field required")
    if len(set(names)) < len(names):
        raise Refusal("tools: Tool names must be unique.")


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise Refusal("messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise Refusal('messages: first message must use the "user" role')
    if messages[-1]["role"] != "user":
        raise Refusal(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] not in ("user", "assistant"):
            raise Refusal(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        if at and messages[at - 1]["role"] == message["role"]:
            # The API joins them; a client of ours is held to alternate, so that a slip shows.
            role = message["role"]
            raise Refusal(
                f'messages: roles must alternate between "user" and "assistant", but found multiple "{role}" roles in '
                "a row"
            )
        blocks = _blocks(message)
        _check_blocks(at, message["role"], blocks)
        given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        missing = [call for call in waiting if call not in given]
        if missing:
            raise Refusal(
                f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        for call in given:
            if call not in waiting:
                raise Refusal(
                    f"messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(waiting)) < len(waiting):
            raise Refusal("messages: `tool_use` ids must be unique")
    if waiting:
        raise Refusal("`tool_use` ids were found without `tool_result` blocks immediately after")


def _check_blocks(at: int, role: str, blocks: list[dict[str, Any]]) -> None:
    if not blocks:
        raise Refusal(f"messages.{at}: all messages must have non-empty content")
    seen_other = False
    for number, block in enumerate(blocks):
        kind = block.get("type")
        if kind == "text":
            if not block["text"]:
                raise Refusal("messages: text content blocks must be non-empty")
            if not block["text"].strip():
                raise Refusal("messages: text content blocks must contain non-whitespace text")
        elif kind == "tool_use":
            if role != "assistant" or not isinstance(block.get("input"), dict) or not CALL_ID.fullmatch(block["id"]):
                raise Refusal(f"messages.{at}.content.{number}.tool_use: Input should be a valid dictionary")
        elif kind == "tool_result":
            if role != "user":
                raise Refusal("messages: `tool_result` blocks can only be in `user` messages")
            if seen_other:
                raise Refusal(f"messages.{at}: `tool_result` blocks must come first")
        elif kind not in ("thinking", "redacted_thinking") or role != "assistant":
            raise Refusal(f"messages.{at}.content.{number}: Input tag '{kind}' does not match any of the expected tags")
        seen_other |= kind != "tool_result"
    if role == "assistant" and blocks[-1]["type"] in ("thinking", "redacted_thinking"):
        raise Refusal("messages: The final block in an assistant message cannot be `thinking`.")


def _check_signatures(body: dict[str, Any]) -> None:
    """Thinking comes back unchanged, in the conversation that it was thought in (preserved thinking)."""
    from tests.backends.messages_server import sign

    for at, message in enumerate(body["messages"]):
        if message["role"] != "assistant":
            continue
        before = {**body, "messages": body["messages"][:at]}
        for number, block in enumerate(_blocks(message)):
            if block["type"] == "thinking" and block.get("signature") != sign(before, block["thinking"]):
                raise Refusal(
                    f"messages.{at}.content.{number}: Invalid `signature` in `thinking` block. The block is bound to a "
                    "different conversation. Remove the block, or set "
                    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
                )


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def _parts(body: dict[str, Any]) -> list[str]:
    return [part for part, _ in _marked_parts(body)]


def _marked_parts(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """Every block as text, in the order of the cache, and whether a breakpoint stands after it."""
    system = body.get("system") or []
    found: list[Any] = [*(body.get("tools") or [])]
    found += [{"type": "text", "text": system}] if isinstance(system, str) else system
    for message in body.get("messages") or []:
        found += [{"role": message["role"], **block} for block in _blocks(message)]
    parts = []
    for block in copy.deepcopy(found):
        marked = block.pop("cache_control", None) is not None
        parts.append((json.dumps(block, sort_keys=True), marked))
    return parts
