"""A Claude for trying things out: it knows a few requests by their words, and calls the tools that they need.

    read FILE …      reads it, and tells its title        add TODO to FILE   reads it, and edits its first line
    … todo …         searches                             run `COMMAND`      runs it
    … hello.py …     writes it, and runs it               three files        writes three in one answer
    look outside     reads two files in one answer    … at length …      two hundred paragraphs
    … refuse …       declines                             … break off …      cuts its stream
    … slowly …       says one word each half second       restart yourself   restarts the program
    overloaded, rate limit, server error, no money, unknown model: the API's error of that name

It says anything else back.
"""

from __future__ import annotations

import re
from typing import Any

from tests.backends.messages_server import Answer, Call, Fault, Reply, Text, Think, answer

_THREE = ("one", "two", "three")
_HELLO = 'print("hello")\n'
_FAULTS = {
    "overloaded": Fault(529, "overloaded_error", "Overloaded"),
    "rate limit": Fault(
        429, "rate_limit_error", "This request would exceed your account's rate limit.", (("retry-after", "120"),)
    ),
    "server error": Fault(500, "api_error", "Internal server error"),
    "no money": Fault(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    "unknown model": Fault(404, "not_found_error", "model: claude-nothing"),
}


def reply_to(body: dict[str, Any]) -> Reply:
    """The next answer in the conversation of a request."""
    question, results = _heard(body)
    tools = {tool["name"] for tool in body.get("tools") or []}
    words = question.lower()
    for fault, reply in _FAULTS.items():
        if fault in words:
            return reply
    if found := re.search(r"\brun `(.+?)`", question):
        if not results and "Bash" in tools:
            return answer("I run it.", Call("Bash", {"command": found[1], "description": "What you asked for"}))
        return answer(f"It printed: {results[-1][:200]}" if results else "I have no tool to run it with.")
    if found := re.search(r"\badd (\w+) to (\S+)", question):
        return _edit(found[1], found[2], results)
    if "restart yourself" in words:
        if not results and "Restart" in tools:
            return answer("I begin again.", Call("Restart", {"reason": "you asked for it"}))
        return answer(f"The tool said: {results[-1][:200]}" if results else "I have no tool to restart with.")
    if "look outside" in words:
        if not results and "Read" in tools:
            return answer(*(Call("Read", {"file_path": name}) for name in ("/etc/hostname", "/etc/hosts")))
        return answer(f"Outside: {'; '.join(results)[:300]}")
    if "three files" in words:
        if not results and "Write" in tools:
            return answer(*(Call("Write", {"file_path": f"{name}.txt", "content": f"{name}\n"}) for name in _THREE))
        return answer(f"Of three files: {'; '.join(results)[:500]}")
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
    if "slowly" in words:
        return answer(" ".join(f"word{number}" for number in range(60)), pause_seconds=0.5)
    if "at length" in words:
        return answer("\n\n".join(f"Paragraph {number} of a long answer." for number in range(200)))
    return Answer(
        (Think("A question without a tool."), Text(f"This is the local server's Claude. You said: {question}"))
    )


def _edit(word: str, name: str, results: list[str]) -> Answer:
    """Reads the file, then puts the word before its first line."""
    if not results:
        return answer("I look at it first.", Call("Read", {"file_path": name}))
    first = re.sub(r"^\s*\d+\t", "", results[0].split("\n")[0])
    if len(results) == 1:
        return answer(
            Think("The first line is known now."),
            "Now I change it.",
            Call("Edit", {"file_path": name, "old_string": first, "new_string": f"{word}\n{first}"}),
        )
    return answer(f"The tool said: {results[-1][:200]}")


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
