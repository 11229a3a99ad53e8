"""What the tests of permissions share: a context, and a short way to ask."""

from __future__ import annotations

from typing import Any

from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Call, Context, Decision, Rule

HOME = "/home/ana"
PROJECT = "/home/ana/shop"


def context(**changes: Any) -> Context:
    return Context(**({"cwd": PROJECT, "home": HOME} | changes))


def bash(command: str, *patterns: str, **changes: Any) -> Decision:
    return decide(
        Call("Bash", {"command": command}), [Rule("Bash", pattern) for pattern in patterns], context(**changes)
    )


def verdict(command: str, *patterns: str, **changes: Any) -> str:
    return str(bash(command, *patterns, **changes).verdict)
