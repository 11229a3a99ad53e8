"""Judges one case given as a line of JSON: `shammah permissions check`, from the same `decide` as everything else.

A line is `{"tool", "input", "saved_patterns": […], "cwd", "home"}`, with `"dns": {host: [addresses]}` where names are
to be looked up; `"*"` stands for every other host. The answer is `{"decision", "reason"}`.
"""

from __future__ import annotations

import json
from typing import Any

from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Addresses, Call, Context, Resolver, Rule

_CASE: dict[str, type] = {"tool": str, "input": dict, "saved_patterns": list, "cwd": str, "home": str}


class _Unclear(Exception):
    """The line is not a case; the message says why."""


def check_line(line: str, resolve: Resolver) -> dict[str, str]:
    """The verdict on one line. A line that is no case is denied, as invalid input is everywhere."""
    try:
        case = _read(line)
    except _Unclear as error:
        return {"decision": "deny", "reason": str(error)}
    context = Context(cwd=case["cwd"], home=case["home"], resolve=resolve, addresses=_addresses(case.get("dns")))
    rules = [Rule(case["tool"], pattern) for pattern in case["saved_patterns"]]
    decision = decide(Call(case["tool"], case["input"]), rules, context)
    return {"decision": str(decision.verdict), "reason": decision.reason}


def _read(line: str) -> dict[str, Any]:
    try:
        case = json.loads(line, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _Unclear("the line is not JSON") from error
    if not isinstance(case, dict):
        raise _Unclear("the line is not a JSON object")
    for name, kind in _CASE.items():
        if name == "saved_patterns" and name not in case:
            case[name] = []
        if not isinstance(case.get(name), kind):
            raise _Unclear(f"`{name}` is missing or has the wrong type")
    folders = case["cwd"], case["home"]
    if not all(folder.startswith("/") and folder.isprintable() for folder in folders):
        raise _Unclear("`cwd` and `home` must be absolute paths")
    if not all(isinstance(pattern, str) for pattern in case["saved_patterns"]):
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
