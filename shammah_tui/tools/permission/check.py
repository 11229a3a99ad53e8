"""Judges one case given as a line of JSON: `shammah permissions check`, from the same `decide` as everything else.

A line is `{"tool", "input", "saved_patterns": […], "cwd", "home"}`, with `"dns": {host: [addresses]}` where names are
to be looked up; `"*"` stands for every other host. The answer is `{"decision", "reason"}`. Where the last three of the
first five are left out, they are this person's: the rules that are saved, the working folder and the home.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Addresses, Call, Context, Resolver, Rule

_CASE: dict[str, type] = {"tool": str, "input": dict, "cwd": str, "home": str}


class _Unclear(Exception):
    """The line is not a case; the message says why."""


def check_line(line: str, resolve: Resolver, saved: Sequence[Rule] = ()) -> dict[str, str]:
    """The verdict on one line, by the rules `saved` where it brings none. A line that is no case is denied, as invalid
    input is everywhere."""
    try:
        case = _read(line)
    except _Unclear as error:
        return {"decision": "deny", "reason": str(error)}
    context = Context(cwd=case["cwd"], home=case["home"], resolve=resolve, addresses=_addresses(case.get("dns")))
    brought = case.get("saved_patterns")
    rules = saved if brought is None else [Rule(case["tool"], pattern) for pattern in brought]
    try:
        decision = decide(Call(case["tool"], case["input"]), rules, context)
    except OSError as error:
        return {"decision": "deny", "reason": f"a folder of the case cannot be looked at: {error.strerror}"}
    return {"decision": str(decision.verdict), "reason": decision.reason}


def _read(line: str) -> dict[str, Any]:
    try:
        case = json.loads(line, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _Unclear("the line is not JSON") from error
    if not isinstance(case, dict):
        raise _Unclear("the line is not a JSON object")
    case.setdefault("home", str(Path.home()))
    case.setdefault("cwd", os.getcwd())  # noqa: PTH109  a string is what the context takes
    for name, kind in _CASE.items():
        if not isinstance(case.get(name), kind):
            raise _Unclear(f"`{name}` is missing or has the wrong type")
    if case["cwd"] == "~" or case["cwd"].startswith("~/"):
        case["cwd"] = case["home"] + case["cwd"][1:]
    folders = case["cwd"], case["home"]
    if not all(folder.startswith("/") and folder.isprintable() for folder in folders):
        raise _Unclear("`cwd` and `home` must be absolute paths")
    if not isinstance(case.get("dns", {}), dict):
        raise _Unclear("`dns` must be an object of hosts and their addresses")
    patterns = case.get("saved_patterns", [])
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise _Unclear("`saved_patterns` must be a list of texts")
    return case


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: two readers could take a different one of two equal keys."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _addresses(dns: object) -> Addresses:
    if not isinstance(dns, dict):
        return lambda host: None
    table = {str(host).lower(): addresses for host, addresses in dns.items()}

    def look_up(host: str) -> tuple[str, ...]:
        found = table.get(host, table.get("*", []))
        return tuple(map(str, found)) if isinstance(found, list) else (str(found),)

    return look_up
