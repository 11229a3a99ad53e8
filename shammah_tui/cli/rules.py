"""`shammah rules list | edit | off | on | remove`: the rules that ratings stand for."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from shammah_tui import paths
from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.terminal import table, tell_warning
from shammah_tui.errors import RequestError
from shammah_tui.feedback.service import Feedback
from shammah_tui.store.database import Database
from shammah_tui.store.rule import Rule
from shammah_tui.ui.plain import visible

HEADING = ("", "RULE", "STATE", "RATINGS", "KEPT LATELY", "CHECK")
PROOFS = {"": "none", "flagged": "proved on the answer", "both": "proved on answer and rewrite"}


def run(options: Namespace) -> int:
    """Raises ShammahError."""
    return asyncio.run(_run(options))


async def _run(options: Namespace) -> int:
    database = Database(paths.database())
    try:
        feedback = Feedback(database)
        as_json = "json" in options
        if options.action in (None, "list"):
            return _list(await feedback.rules.list(), as_json=as_json)
        rule = await feedback.rules.get(options.number)
        if rule is None:
            raise RequestError(f"There is no rule {options.number}.", "`shammah rules list` shows their numbers.")
        return _tell(await _change(feedback, rule, options), options.action, as_json=as_json)
    finally:
        if database.notice:
            tell_warning(database.notice)
        database.close()


async def _change(feedback: Feedback, rule: Rule, options: Namespace) -> Rule:
    match options.action:
        case "edit":
            if not options.line.strip():
                raise UsageError("The rule has no words.", "`shammah rules remove` forgets one.")
            return await feedback.edit_rule(rule.id, options.line) or rule
        case "remove":
            await feedback.rules.remove(rule.id)
            return rule
        case _:
            await feedback.rules.put((rule.id,), "prompt" if options.action == "on" else "off")
            return await feedback.rules.get(rule.id) or rule


def _list(rules: tuple[Rule, ...], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"rules": [as_object(rule) for rule in rules]}, ensure_ascii=False, indent=2))
    elif not rules:
        print("There are no rules yet: they come from the notes on your ratings.")
    else:
        print(table([HEADING, *map(_cells, rules)], sys.stdout))
    return 0


def _tell(rule: Rule, action: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"rule": as_object(rule), "removed": action == "remove"}, ensure_ascii=False, indent=2))
        return 0
    if action == "remove":
        print(f"Forgotten: {visible(rule.line)}")
        return 0
    print(f"Rule {rule.id} ({_state(rule)}): {visible(rule.line)}")
    if action == "edit" and not rule.proof:
        print("  Nothing here can check it on the rated answer: it works from the prompt, and is not trained.")
    return 0


def as_object(rule: Rule) -> dict[str, Any]:
    found = asdict(rule)
    return {"number": found.pop("id"), **found}


def _cells(rule: Rule) -> tuple[str, ...]:
    kept = f"{rule.kept} of {rule.seen}" if rule.seen else ""
    return (str(rule.id), visible(rule.line), _state(rule), f"{rule.ratings} {rule.color}", kept, PROOFS[rule.proof])


def _state(rule: Rule) -> str:
    return {"prompt": "in the prompt", "learned": f"learned by {rule.adapter}", "off": "off"}[rule.state]
