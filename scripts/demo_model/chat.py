"""The chat template, and a renderer that gives the same text in pieces: what is said to the model, what it shall say.

The template is Qwen2.5's, with Shammah's own sentence where Qwen's names itself.
"""

# ruff: noqa: E501 - the template stands as Qwen wrote it
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from scripts.demo_model.exchange import Message
from shammah_tui.agent.prompt import IDENTITY

TOOLS_HEAD = (
    "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
TOOLS_TAIL = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n'
)


def _jinja_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


TEMPLATE = (
    """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'IDENTITY' }}
    {%- endif %}
    {{- HEAD }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- TAIL }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nIDENTITY<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""".replace("HEAD", _jinja_text(TOOLS_HEAD))
    .replace("TAIL", _jinja_text(TOOLS_TAIL))
    .replace("IDENTITY", IDENTITY.replace("'", "\\'"))
)


def answer_text(message: Message) -> str:
    """What the model writes for an assistant message, without the end mark."""
    parts = [message["content"]] if message["content"] else []
    for request in message.get("tool_calls", ()):
        function = request["function"]
        arguments = json.dumps(function["arguments"], ensure_ascii=False)
        parts.append(f'<tool_call>\n{{"name": "{function["name"]}", "arguments": {arguments}}}\n</tool_call>')
    return "\n".join(parts)


def head(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> str:
    """The text before the first message of the person: system prompt and tools."""
    first = messages[0]["content"] if messages and messages[0]["role"] == "system" else IDENTITY
    text = f"<|im_start|>system\n{first}"
    if not tools:
        return text + "<|im_end|>\n"
    return text + TOOLS_HEAD + "".join("\n" + json.dumps(tool, ensure_ascii=False) for tool in tools) + TOOLS_TAIL


def pieces(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int | None]]:
    """Text pieces in order; the number is the index of the assistant message whose answer the piece is, or None.

    An answer's piece ends with its end mark; what stands before and after is given, not learned.
    """
    for number, (text, index) in enumerate(turns(messages)):
        yield (text if number else head(messages, tools) + text), index


def turns(messages: Sequence[Message]) -> Iterator[tuple[str, int | None]]:
    """The same without the head."""
    text = ""
    for index, message in enumerate(messages):
        role = message["role"]
        if role == "user":
            text += f"<|im_start|>user\n{message['content']}<|im_end|>\n"
        elif role == "assistant":
            yield text + "<|im_start|>assistant\n", None
            yield answer_text(message) + "<|im_end|>", index
            text = "\n"
        elif role == "tool":
            if messages[index - 1]["role"] != "tool":
                text += "<|im_start|>user"
            text += f"\n<tool_response>\n{message['content']}\n</tool_response>"
            if index + 1 == len(messages) or messages[index + 1]["role"] != "tool":
                text += "<|im_end|>\n"


def openai_tool(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
