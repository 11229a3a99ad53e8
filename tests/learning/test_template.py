"""What is trained on is what inference sends: the trainer renders a conversation exactly as the engine does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.demo_model.chat import TEMPLATE, openai_tool
from shammah_tui.engine import template as engine
from shammah_tui.learning.template import ChatTemplate

TOOL = openai_tool("Read", "Reads a file.", {"type": "object", "properties": {"file_path": {"type": "string"}}})
THINKING = (
    "{% for m in messages %}{{ m.role }}:{{ m.content }}{% endfor %}{% if enable_thinking is false %}<none>{% endif %}"
)


def conversation(arguments: str) -> list[dict[str, Any]]:
    call = {"id": "1", "type": "function", "function": {"name": "Read", "arguments": arguments}}
    return [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Read it."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "text", "tool_call_id": "1"},
    ]


@pytest.mark.parametrize("arguments", [json.dumps({"file_path": 'a "b".py'}), "{}", '{"cut": "sho'])
def test_calls_are_rendered_as_the_engine_renders_them(arguments: str) -> None:
    messages = conversation(arguments)
    found = ChatTemplate(TEMPLATE).render(messages, [TOOL])
    assert found == engine.ChatTemplate(TEMPLATE).render(messages, tools=[TOOL]).text
    assert messages == conversation(arguments)


def test_a_base_that_can_think_is_told_not_to_as_by_the_engine() -> None:
    assert ChatTemplate(THINKING).render([{"role": "user", "content": "hi"}]) == "user:hi<none>"
