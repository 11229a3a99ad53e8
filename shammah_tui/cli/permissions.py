"""`shammah permissions list | check | remove`: the saved rules, why a call would be asked, forgetting a rule."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from shammah_tui import paths
from shammah_tui.cli.terminal import table
from shammah_tui.errors import ShammahError
from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.check import check_line
from shammah_tui.tools.permission.search_path import resolver

HEADING = ("", "TOOL", "", "RULE", "WHERE")


def run(options: Namespace) -> int:
    """Raises HomeError, ShammahError."""
    if options.action == "check":
        return _check()
    if options.action == "remove":
        return _remove(options.number)
    return _list(as_json="json" in options and options.json)


def _check() -> int:
    resolve = resolver()
    for line in sys.stdin.buffer:
        if line.strip():
            answer = check_line(line.decode("utf-8", "surrogateescape"), resolve)
            print(json.dumps(answer), flush=True)
    return 0


def _list(*, as_json: bool) -> int:
    loaded = store.load(store.store_file(paths.home()))
    if as_json:
        rules = [
            {
                "number": number,
                "tool": rule.tool,
                "pattern": rule.pattern,
                "effect": rule.effect.value,
                "project": rule.project,
            }
            for number, rule in enumerate(loaded.rules, start=1)
        ]
        print(json.dumps({"rules": rules, "notice": loaded.notice}, ensure_ascii=False, indent=2))
        return 0
    if loaded.notice:
        print(f"! {loaded.notice}", file=sys.stderr)
    if not loaded.rules:
        print("No rules are saved: every call asks, but for reading inside the project.")
        return 0
    rows = [
        (str(number), rule.tool, rule.effect.value, rule.pattern, rule.project or "everywhere")
        for number, rule in enumerate(loaded.rules, start=1)
    ]
    print(table([HEADING, *rows], sys.stdout))
    return 0


def _remove(number: int) -> int:
    path = store.store_file(paths.home())
    rules = store.load(path).rules
    if not 1 <= number <= len(rules):
        raise ShammahError(f"There is no rule {number}.", "`shammah permissions list` numbers them.")
    rule = rules[number - 1]
    store.remove(path, rule)
    print(f"Forgotten: {rule.tool} {rule.pattern}")
    return 0
