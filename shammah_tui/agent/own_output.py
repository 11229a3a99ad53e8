"""What a command of the person's own printed, as the conversation tells it: so that it is found again in a message,
which may hold more, and shortened like a tool's result."""

from __future__ import annotations

import re

_HEAD = "I ran this command:\n$ {command}\n\nIt printed:\n"
_TAIL = "\n(That is all it printed.)"
_OUTPUT = re.compile(
    re.escape(_HEAD).replace(re.escape("{command}"), "(?:.*?)").join(("(", ")")) + "(.*?)(" + re.escape(_TAIL) + ")",
    re.DOTALL,
)


def told(command: str, output: str) -> str:
    """The message that tells of it."""
    return _HEAD.format(command=command) + output + _TAIL


def parts(content: str) -> list[str]:
    """A person's message in pieces, which make it whole again: those at 2, 6, 10, … are what commands printed."""
    return _OUTPUT.split(content)
