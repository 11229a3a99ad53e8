"""The one door: `decide` judges a tool call, and every path through the program goes by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shammah_tui.tools.permission import command, file_call, web
from shammah_tui.tools.permission.decision import (
    Call,
    Context,
    Decision,
    Effect,
    Finding,
    Mode,
    Rule,
    Verdict,
    digest_of,
)
from shammah_tui.tools.permission.need import NOTHING, need_of
from shammah_tui.tools.permission.place import is_within

_REQUIRED: Mapping[str, Mapping[str, type]] = {
    "Read": {"file_path": str},
    "Glob": {"pattern": str},
    "Grep": {"pattern": str},
    "Edit": {"file_path": str, "old_string": str, "new_string": str},
    "Write": {"file_path": str, "content": str},
    "Bash": {"command": str},
    "WebFetch": {"url": str},
    "Restart": {},
}
_OPTIONAL: Mapping[str, type] = {
    "path": str,
    "glob": str,
    "offset": int,
    "limit": int,
    "reason": str,
    "prompt": str,
    "description": str,
    "timeout_seconds": int,
    "background": bool,
    "replace_all": bool,
    "context_lines": int,
    "output_mode": str,
}
_SHOWN = {"Bash": "command", "WebFetch": "url", "Glob": "pattern", "Grep": "pattern", "Restart": "reason"}
_READERS = frozenset({"Read", "Glob", "Grep", "WebFetch"})


def decide(call: Call, rules: Sequence[Rule], context: Context) -> Decision:
    """Judge one call. Pure, but for `realpath` and what the context hands in.

    Order: invalid input, hard floor, deny rules; shape not understood; allow rules; else ask. A mode may turn a
    question into an answer, never a denial into anything else; where nobody can be asked, a question is a denial.
    """
    trouble = _trouble_of_input(call)
    if trouble:
        return _decision(call, Finding(Verdict.DENY, trouble, is_fixed=True), context)
    mine = [rule for rule in rules if rule.tool == call.tool and _applies(rule, context)]
    allowed = _judge(call, [rule.pattern for rule in mine if rule.effect is Effect.ALLOW], rules, context)
    if not (allowed.verdict is Verdict.DENY and allowed.is_fixed):
        denied = [rule.pattern for rule in mine if rule.effect is Effect.DENY]
        if denied and _is_denied(call, denied, context):
            allowed = Finding(Verdict.DENY, "a rule of yours denies it", is_fixed=True)
    return _decision(call, _under_mode(call, allowed, context), context)


def _judge(call: Call, patterns: Sequence[str], rules: Sequence[Rule], context: Context) -> Finding:
    arguments = call.arguments
    if call.tool == "Bash":
        # A file that may not be read by Read may not be read by `cat` either.
        closed = [
            rule.pattern
            for rule in rules
            if rule.tool == "Read" and rule.effect is Effect.DENY and _applies(rule, context)
        ]
        return command.judge(arguments["command"], patterns, context, closed=closed)
    if call.tool == "WebFetch":
        return web.judge(arguments["url"], patterns, context)
    if call.tool == "Restart":
        return Finding(Verdict.ASK, "a restart always asks", is_fixed=True)
    return file_call.judge(call.tool, arguments, patterns, context)


def _is_denied(call: Call, patterns: Sequence[str], context: Context) -> bool:
    """Whether a deny rule speaks of this call. Denying needs less than allowing: any part is enough."""
    if call.tool == "Bash":
        return command.is_named(call.arguments["command"], patterns)
    if call.tool == "WebFetch":
        return web.is_named(call.arguments["url"], patterns)
    if call.tool == "Restart":
        return True
    return file_call.is_named(call.tool, call.arguments, patterns, context)


def _trouble_of_input(call: Call) -> str:
    required = _REQUIRED.get(call.tool)
    if required is None:
        return f"there is no tool called {call.tool!r}"
    for name, kind in required.items():
        if not isinstance(call.arguments.get(name), kind):
            return f"{call.tool} needs `{name}`"
    if not all(_is_text(given) for given in call.arguments.values() if isinstance(given, str)):
        return "an argument is not a text"
    for name, given in call.arguments.items():
        wanted = _OPTIONAL.get(name)
        if wanted is None or given is None:
            continue
        if not isinstance(given, wanted) or (isinstance(given, bool) and wanted is not bool):
            return f"`{name}` has the wrong type"
    return ""


def _is_text(given: str) -> bool:
    """Whether it can be written as UTF-8: half a surrogate pair cannot, and every program reads it differently."""
    if given.isascii():
        return True
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def _applies(rule: Rule, context: Context) -> bool:
    """A rule of another project does not count here."""
    return not rule.project or is_within(context.real_project, rule.project)


def _under_mode(call: Call, finding: Finding, context: Context) -> Finding:
    """What the mode makes of a finding."""
    if finding.verdict is Verdict.DENY:
        return finding
    reads_only = finding.reads_only and (call.tool in _READERS or finding.verdict is Verdict.ALLOW)
    if context.mode is Mode.PLAN and not reads_only:
        return Finding(Verdict.DENY, "plan mode only reads", is_fixed=True)
    if finding.verdict is Verdict.ASK and not finding.is_fixed and _is_lifted(call.tool, context):
        need = need_of(call.arguments["command"]) if call.tool == "Bash" else NOTHING
        if need:
            finding = replace(finding, reason=f"it needs {need}, which auto mode does not give")
        else:
            finding = replace(
                finding, verdict=Verdict.ALLOW, reason=f"{context.mode.value} mode", patterns=(), by_mode=True
            )
    if finding.verdict is Verdict.ASK and not context.attended:
        return Finding(Verdict.DENY, f"nobody is there to be asked: {finding.reason}")
    return finding


def _is_lifted(tool: str, context: Context) -> bool:
    """Whether the mode answers a question of this tool by itself."""
    if context.mode is Mode.AUTO and context.sandboxed and tool == "Bash":
        return True
    return context.mode in (Mode.ACCEPT_EDITS, Mode.AUTO) and tool in file_call.WRITERS


def _decision(call: Call, finding: Finding, context: Context) -> Decision:
    grants: tuple[Rule, ...] = ()
    if finding.verdict is Verdict.ASK and context.has_project:
        grants = tuple(Rule(call.tool, pattern, project=context.real_project) for pattern in finding.patterns)
    shown = call.arguments.get(_SHOWN.get(call.tool, "file_path"), "")
    display = shown if isinstance(shown, str) else ""
    digest = digest_of(call, context)
    return Decision(finding.verdict, finding.reason, grants, display, digest, finding.place, finding.by_mode)
