"""`shammah permissions list | check | remove`: the saved rules, why a call would be asked, forgetting rules."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shammah_tui import paths
from shammah_tui.cli.configured import configured
from shammah_tui.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, is_terminal, painted, table, tell, tell_warning
from shammah_tui.config.settings import PermissionsSettings
from shammah_tui.errors import RequestError
from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.check import check_line
from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Call, Context, Mode, Rule, Verdict
from shammah_tui.tools.permission.need import NOTHING, need_of
from shammah_tui.tools.permission.search_path import resolver, search_path_of
from shammah_tui.tools.sandbox.ground import ground_of
from shammah_tui.tools.sandbox.sandbox import Sandbox, choose
from shammah_tui.ui.plain import visible

HEADING = ("", "TOOL", "", "RULE", "WHERE", "SAVED")
EVERYWHERE = "everywhere"
COLOURS = {Verdict.ALLOW: GREEN, Verdict.ASK: YELLOW, Verdict.DENY: RED}
# What a person means by the one argument of a tool; the others do not change the verdict.
SUBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Bash": ("command", {}),
    "Read": ("file_path", {}),
    "Edit": ("file_path", {"old_string": "a", "new_string": "b"}),
    "Write": ("file_path", {"content": ""}),
    "Glob": ("pattern", {}),
    "Grep": ("path", {"pattern": "x"}),
    "WebFetch": ("url", {}),
}


def run(options: Namespace) -> int:
    """Raises HomeError, RequestError."""
    as_json = "json" in options and options.json
    match options.action:
        case "check" if options.tool is not None:
            permissions = configured(options).settings.permissions
            return _explain(options.tool, options.subject, options.mode, permissions, as_json=as_json)
        case "check":
            return _check()
        case "remove":
            return _remove(options.numbers, everything=options.all, as_json=as_json)
        case _:
            return _list(configured(options).settings.permissions, as_json=as_json)


def _check() -> int:
    """One case a line. What a line leaves out is this person's: their rules, the working folder, their home."""
    if is_terminal(sys.stdin):
        tell("One JSON object a line; Ctrl+D ends it. For one call: shammah permissions check Bash 'git push'")
    resolve, saved = resolver(), _rules().rules
    for line in sys.stdin.buffer:
        if line.strip():
            answer = check_line(line.decode("utf-8", "surrogateescape"), resolve, saved)
            print(json.dumps(answer), flush=True)
    return 0


def _explain(
    tool: str, subject: str | None, mode: str | None, permissions: PermissionsSettings, *, as_json: bool
) -> int:
    """What would become of one call here and now, where it would run, and what "always" would save."""
    if subject is None:
        raise RequestError(f"What is {tool} to be given?", "For example: shammah permissions check Bash 'git push'")
    name, others = SUBJECTS[tool]
    folder = os.getcwd()  # noqa: PTH109  a string is what the context takes
    resolve = resolver(search_path_of(os.environ.get("PATH", "")), os.path.realpath(folder))
    sandbox = _sandbox(permissions)
    context = Context(
        folder,
        str(Path.home()),
        shammah_home=str(paths.home()),
        mode=Mode.named(mode or permissions.mode),
        sandboxed=sandbox.is_on,
        resolve=resolve,
    )
    decision = decide(Call(tool, {name: subject, **others}), _rules().rules, context)
    reach = ""
    if tool == "Bash" and sandbox.refuses:
        reason = f"the sandbox that is set is {sandbox.state}: {sandbox.reason}"
        decision = replace(decision, verdict=Verdict.DENY, reason=reason, grants=())
    elif tool == "Bash" and decision.verdict is not Verdict.DENY:
        reach = sandbox.reach(NOTHING if decision.by_mode else need_of(subject))
    if as_json:
        grants = [_row(rule) for rule in decision.grants]
        print(
            json.dumps(
                {"decision": str(decision.verdict), "reason": decision.reason, "reach": reach, "always_saves": grants}
            )
        )
        return 0
    print(f"{painted(str(decision.verdict), COLOURS[decision.verdict], sys.stdout)}: {visible(decision.reason)}")
    if reach:
        print(f"  it would run {visible(reach)}")
    for rule in decision.grants:
        where = painted(f"(in {visible(rule.project)})", DIM, sys.stdout)
        print(f"  always would save: {painted(f'{rule.tool} {visible(rule.pattern)}', BOLD, sys.stdout)} {where}")
    if decision.verdict is Verdict.ASK and not decision.grants:
        print("  always is not offered for this")
    return 0


def _list(permissions: PermissionsSettings, *, as_json: bool) -> int:
    """The saved rules, and whether commands run in a sandbox, which counts as much."""
    loaded, sandbox = _rules(), _sandbox(permissions)
    rows = [
        (number, rule, added) for number, (rule, added) in enumerate(zip(loaded.rules, loaded.added, strict=True), 1)
    ]
    if as_json:
        rules = [{"number": number, **_row(rule), "added": added} for number, rule, added in rows]
        told = {"state": sandbox.state.value, "reason": sandbox.reason}
        print(json.dumps({"rules": rules, "notice": loaded.notice, "sandbox": told}, ensure_ascii=False, indent=2))
        return 0
    print(f"The sandbox for commands is {sandbox.state.value}: {visible(sandbox.reason)}.")
    if not rows:
        print("No rules are saved: every call asks, but for reading inside the project.")
        return 0
    print()
    cells = [
        (
            str(number),
            rule.tool,
            rule.effect.value,
            visible(rule.pattern),
            visible(rule.project) or EVERYWHERE,
            added[:10],
        )
        for number, rule, added in rows
    ]
    print(table([HEADING, *cells], sys.stdout))
    return 0


def _sandbox(permissions: PermissionsSettings) -> Sandbox:
    """That of a session in this folder."""
    return choose(permissions.sandbox, ground_of(Path.cwd(), os.environ))


def _remove(numbers: Sequence[int], *, everything: bool, as_json: bool) -> int:
    rules = _rules().rules
    if everything == bool(numbers):
        raise RequestError("Which rules?", "Give their numbers, as `shammah permissions list` shows them, or --all.")
    unknown = [number for number in numbers if not 1 <= number <= len(rules)]
    if unknown:
        there = f"There are 1 to {len(rules)}" if rules else "None are saved"
        raise RequestError(f"There is no rule {unknown[0]}.", f"{there}; `shammah permissions list` numbers them.")
    chosen = rules if everything else tuple(rules[number - 1] for number in dict.fromkeys(numbers))
    for rule in chosen:
        store.remove(store.store_file(paths.home()), rule)
    if as_json:
        print(json.dumps({"removed": [_row(rule) for rule in chosen]}, ensure_ascii=False, indent=2))
        return 0
    for rule in chosen:
        print(f"Forgotten: {rule.tool} {visible(rule.pattern)}{f' ({visible(rule.project)})' if rule.project else ''}")
    if not chosen:
        print("No rules were saved.")
    return 0


def _rules() -> store.Loaded:
    """Those of the store; the person is told where it had to be kept aside."""
    loaded = store.load(store.store_file(paths.home()))
    if loaded.notice:
        tell_warning(loaded.notice)
    return loaded


def _row(rule: Rule) -> dict[str, str]:
    return {"tool": rule.tool, "pattern": rule.pattern, "effect": rule.effect.value, "project": rule.project}
