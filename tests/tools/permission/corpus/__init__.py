"""The cases that the engine is measured on, as tables of TOML beside this file.

A group is a title, a tool, the saved rules, calls, and what must come out: `allow` (benign), `ask` (must not be
allowed; a denial is as good), or `deny` (the floor).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = "/home/ana"
PROJECT = "/home/ana/shop"
_FOLDER = Path(__file__).parent
_ARGUMENT = {"Bash": "command", "Read": "file_path", "WebFetch": "url"}


@dataclass(frozen=True, slots=True)
class Case:
    """One call under the rules of its group; `line` is what `shammah permissions check` reads."""

    title: str
    tool: str
    arguments: dict[str, Any]
    saved: tuple[str, ...]
    expect: str
    line: str

    def accepts(self, decision: str) -> bool:
        return decision in {"allow": ("allow",), "ask": ("ask", "deny"), "deny": ("deny",)}[self.expect]

    def __str__(self) -> str:
        return f"[{self.title}] {self.tool} {json.dumps(self.arguments, ensure_ascii=False)} must be {self.expect}"


def cases() -> Iterator[Case]:
    """All cases of all files, in order."""
    for path in sorted(_FOLDER.glob("*.toml")):
        for group in tomllib.loads(path.read_text())["group"]:
            for call in group["calls"]:
                yield _case(group, call)


def _case(group: dict[str, Any], call: str | dict[str, Any]) -> Case:
    tool = group["tool"]
    arguments = _arguments(tool, call) if isinstance(call, str) else call
    line = {
        "tool": tool,
        "input": arguments,
        "saved_patterns": group["saved"],
        "cwd": group.get("cwd", PROJECT),
        "home": group.get("home", HOME),
    }
    if "dns" in group:
        line["dns"] = group["dns"]
    return Case(group["title"], tool, arguments, tuple(group["saved"]), group["expect"], json.dumps(line))


def _arguments(tool: str, call: str) -> dict[str, Any]:
    if tool == "Write":
        return {"file_path": call, "content": "x"}
    if tool == "Edit":
        return {"file_path": call, "old_string": "a", "new_string": "b"}
    return {_ARGUMENT[tool]: call}
