"""The demo model was trained on this text, byte for byte."""

from __future__ import annotations

import json

from shammah_tui.tools.specification import ALL
from shammah_tui.tools.toolbox import TOOLS

S, I, B = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}  # noqa: E741
MODES = {"type": "string", "enum": ["content", "files", "count"]}
# fmt: off
TRAINED = [
    ("Read", "Read a text file.", {"file_path": S, "offset": I, "limit": I}, ["file_path"]),
    ("Glob", "List files whose path matches a pattern.", {"pattern": S, "path": S}, ["pattern"]),
    ("Grep", "Search file contents by regular expression.",
     {"pattern": S, "path": S, "glob": S, "context_lines": I, "output_mode": MODES}, ["pattern"]),
    ("Edit", "Replace text in a file.",
     {"file_path": S, "old_string": S, "new_string": S, "replace_all": B}, ["file_path", "old_string", "new_string"]),
    ("Write", "Create or overwrite a file.", {"file_path": S, "content": S}, ["file_path", "content"]),
    ("Bash", "Run a shell command.",
     {"command": S, "description": S, "timeout_seconds": I, "background": B}, ["command"]),
    ("WebFetch", "Fetch a web page and read it.", {"url": S, "prompt": S}, ["url"]),
    ("Restart", "Restart Shammah in the same conversation.", {"reason": S}, ["reason"]),
]
# fmt: on


def test_the_schema_that_pydantic_derives_is_the_text_the_demo_model_was_trained_on() -> None:
    wanted = [
        [name, words, {"type": "object", "properties": properties, "required": required}]
        for name, words, properties, required in TRAINED
    ]
    assert json.dumps([[tool.name, tool.description, dict(tool.parameters)] for tool in ALL]) == json.dumps(wanted)


def test_every_tool_that_a_model_is_told_of_can_be_run() -> None:
    assert set(TOOLS) == {tool.name for tool in ALL}
