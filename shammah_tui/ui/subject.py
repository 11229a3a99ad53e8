"""What a tool call is about, in the words of its own arguments."""

from __future__ import annotations

import json

from shammah_tui.conversation import ToolCall

# What tells most about a call, tool by tool; for others, all of its arguments.
_SUBJECTS = {
    "Bash": "command",
    "Edit": "file_path",
    "Glob": "pattern",
    "Grep": "pattern",
    "Read": "file_path",
    "Restart": "reason",
    "WebFetch": "url",
    "Write": "file_path",
}


def subject(call: ToolCall) -> str:
    """What a call is about: the command, the path, the address; its arguments as they came where they say nothing."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return call.arguments
    if not isinstance(arguments, dict):
        return call.arguments
    wanted = arguments.get(_SUBJECTS.get(call.name, ""))
    if not isinstance(wanted, str):
        return ", ".join(f"{name}: {value}" for name, value in arguments.items())
    folder = arguments.get("path")
    return f"{wanted} in {folder}" if call.name in ("Glob", "Grep") and folder else wanted
