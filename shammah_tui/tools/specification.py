"""What each tool is called and takes, as a model is told of it."""

from __future__ import annotations

from shammah_tui.conversation import ToolSpec

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_FLAG = {"type": "boolean"}


def _specification(name: str, description: str, required: dict[str, object], optional: dict[str, object]) -> ToolSpec:
    return ToolSpec(
        name,
        description,
        {"type": "object", "properties": {**required, **optional}, "required": list(required)},
    )


READ = _specification("Read", "Read a text file.", {"file_path": _TEXT}, {"offset": _NUMBER, "limit": _NUMBER})
GLOB = _specification("Glob", "List files whose path matches a pattern.", {"pattern": _TEXT}, {"path": _TEXT})
GREP = _specification(
    "Grep",
    "Search file contents by regular expression.",
    {"pattern": _TEXT},
    {
        "path": _TEXT,
        "glob": _TEXT,
        "context_lines": _NUMBER,
        "output_mode": {"type": "string", "enum": ["content", "files", "count"]},
    },
)
EDIT = _specification(
    "Edit",
    "Replace text in a file.",
    {"file_path": _TEXT, "old_string": _TEXT, "new_string": _TEXT},
    {"replace_all": _FLAG},
)
WRITE = _specification("Write", "Create or overwrite a file.", {"file_path": _TEXT, "content": _TEXT}, {})
BASH = _specification(
    "Bash",
    "Run a shell command.",
    {"command": _TEXT},
    {"description": _TEXT, "timeout_seconds": _NUMBER, "background": _FLAG},
)
WEB_FETCH = _specification("WebFetch", "Fetch a web page and read it.", {"url": _TEXT}, {"prompt": _TEXT})
RESTART = _specification("Restart", "Restart Shammah in the same conversation.", {"reason": _TEXT}, {})

ALL = (READ, GLOB, GREP, EDIT, WRITE, BASH, WEB_FETCH, RESTART)
