"""Tools for a model whose chat template knows none: told, called and answered in plain messages, in Qwen2.5's words.

The grammar and the parser then work as they do for Qwen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shammah_tui.engine.tool_calls import CLOSE, OPEN

_PREAMBLE = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>{tools}\n</tools>\n\n"
    "For each function call, return a json object with function name and arguments within "
    f"{OPEN}{CLOSE} XML tags:\n{OPEN}\n"
    '{{"name": <function-name>, "arguments": <args-json-object>}}\n'
    f"{CLOSE}"
)


def as_plain_messages(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The same conversation with system, user and assistant messages alone, the tools in the first of them."""
    plain: list[Mapping[str, Any]] = []
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(f"<tool_response>\n{message['content']}\n</tool_response>")
            continue
        plain += _told(results)
        results = []
        plain.append(_with_calls(message) if message.get("tool_calls") else message)
    plain += _told(results)
    return _with_tools(plain, tools) if tools else plain


def _told(results: Sequence[str]) -> list[Mapping[str, Any]]:
    """Results in a row are one message: many templates want user and assistant in turn."""
    return [{"role": "user", "content": "\n".join(results)}] if results else []


def _with_calls(message: Mapping[str, Any]) -> dict[str, Any]:
    parts = [message["content"]] if message["content"] else []
    for call in message["tool_calls"]:
        function = call["function"]
        arguments = json.dumps(function["arguments"], ensure_ascii=False)
        parts.append(f'{OPEN}\n{{"name": "{function["name"]}", "arguments": {arguments}}}\n{CLOSE}')
    return {"role": "assistant", "content": "\n".join(parts)}


def _with_tools(messages: list[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    listed = "".join(f"\n{json.dumps(tool, ensure_ascii=False)}" for tool in tools)
    preamble = _PREAMBLE.format(tools=listed)
    if messages and messages[0]["role"] == "system":
        content = f"{messages[0]['content']}\n\n{preamble}"
        return [{**messages[0], "content": content}, *messages[1:]]
    return [{"role": "system", "content": preamble}, *messages]
