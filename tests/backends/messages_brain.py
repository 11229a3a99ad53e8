"""A Claude for trying things out: it knows a few requests by their words, and calls the tools that they need."""

from __future__ import annotations

import re
from typing import Any

from tests.backends.messages_server import Answer, Call, Text, Think, answer

_HELLO = 'print("hello")\n'


def reply_to(body: dict[str, Any]) -> Answer:
    """The next answer in the conversation of a request."""
    question, results = _heard(body)
    tools = {tool["name"] for tool in body.get("tools") or []}
    words = question.lower()
    if found := re.search(r"\bread (\S+)", words):
        name = question[found.start(1) : found.end(1)]
        if not results and "Read" in tools:
            return answer(Think("The file has to be read first."), "I read it.", Call("Read", {"file_path": name}))
        return answer(f"Its title is: {_title(results)}" if results else "I have no tool to read with.")
    if "todo" in words:
        if not results and "Grep" in tools:
            return answer(Call("Grep", {"pattern": "TODO"}), Call("Glob", {"pattern": "**/*.py"}))
        return answer("These are the TODO comments:\n\n```\n" + "\n".join(results)[:2000] + "\n```")
    if "hello.py" in words:
        steps = [
            answer("I write it.", Call("Write", {"file_path": "hello.py", "content": _HELLO})),
            answer(Call("Bash", {"command": "python3 hello.py", "description": "Run hello.py"})),
        ]
        return steps[len(results)] if len(results) < len(steps) else answer(f"It printed: {results[-1][:200]}")
    if "refuse" in words:
        details = {"type": "refusal", "category": "cyber", "explanation": "This could enable cyber harm."}
        return answer("I can", stop_reason="refusal", stop_details=details)
    if "break off" in words:
        return answer("This sentence will not be", cut_after=5)
    if "at length" in words:
        return answer("\n\n".join(f"Paragraph {number} of a long answer." for number in range(200)))
    return Answer(
        (Think("A question without a tool."), Text(f"This is the local server's Claude. You said: {question}"))
    )


def _heard(body: dict[str, Any]) -> tuple[str, list[str]]:
    """The last thing that the person said, and the tool results since."""
    question = ""
    results: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message["role"] != "user":
            continue
        for block in blocks:
            if block["type"] == "text":
                question, results = block["text"], []
            elif block["type"] == "tool_result":
                results.append(_text(block.get("content", "")))
    return question, results


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _title(results: list[str]) -> str:
    lines = [line.strip() for line in "\n".join(results).splitlines()]
    heading = next((line for line in lines if re.search(r"(^|\s)#\s", line)), lines[0] if lines else "")
    return re.sub(r"^.*?#\s*", "", heading)
