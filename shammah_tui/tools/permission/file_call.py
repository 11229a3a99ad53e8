"""Judges Read, Glob, Grep, Edit and Write: by where a path really leads, then by the rules."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shammah_tui.tools.permission.characters import folded, hidden_character
from shammah_tui.tools.permission.decision import Context, Finding, Verdict, strictest
from shammah_tui.tools.permission.path_rule import covers, denies, exact_pattern
from shammah_tui.tools.permission.place import (
    Place,
    is_credential,
    is_guarded,
    is_kernel,
    is_sensitive,
    is_within,
    locate,
    may_pick_credential,
    names_credential,
)

WRITERS = frozenset({"Edit", "Write"})
_PATH_BYTES_MAX = 4_096
# Spellings that some other program would decode into a path that is not the one shown.
_ODD = re.compile(r"\\|%(?:2[EFef]|5[Cc]|00)|\A[A-Za-z]+:/|\A\$(?:\{|[A-Z])")
_STORE = "tool_patterns.json"


def judge(tool: str, arguments: Mapping[str, Any], patterns: Sequence[str], context: Context) -> Finding:
    """Judge a call whose arguments have the right types."""
    if tool in ("Glob", "Grep"):
        return _judge_search(tool, arguments, patterns, context)
    return _judge_path(tool, arguments["file_path"], patterns, context)


def is_named(tool: str, arguments: Mapping[str, Any], patterns: Sequence[str], context: Context) -> bool:
    """Whether a deny rule speaks of the path of this call."""
    text = arguments.get("path") or "." if tool in ("Glob", "Grep") else arguments["file_path"]
    return "\0" not in text and denies(patterns, locate(text, context.real_cwd), context)


def _judge_search(tool: str, arguments: Mapping[str, Any], patterns: Sequence[str], context: Context) -> Finding:
    folder = arguments.get("path") or "."
    names = arguments["pattern"] if tool == "Glob" else arguments.get("glob") or ""
    if "\0" in names or "\0" in folder:
        return Finding(Verdict.DENY, "the path is not a text", is_fixed=True)
    if any(names_credential(component) for component in re.split(r"[/,{}]", names) if component):
        return Finding(Verdict.DENY, f"`{names}` asks for credential files", is_fixed=True)
    # What lies under a folder is all that a search of it shows: `/x/**` covers that as well.
    patterns = [*patterns, *(pattern.removesuffix("/**") for pattern in patterns if pattern.endswith("/**"))]
    findings = [_judge_path(tool, folder, patterns, context)]
    if names.startswith(("/", "~")):
        head = re.split(r"[*?\[{]", names, maxsplit=1)[0]
        rooted = _judge_path(tool, head[: head.rfind("/") + 1] or "/", patterns, context)
        # Glob searches from there; Grep's filter only narrows what lies under `path`.
        findings = [rooted] if tool == "Glob" else [*findings, rooted]
    elif tool == "Glob":
        # The fixed beginning of a pattern may be a link out of the project.
        head = re.split(r"[*?\[{]", names, maxsplit=1)[0]
        if "/" in head:
            findings.append(_judge_path(tool, f"{folder}/{head[: head.rfind('/')]}", patterns, context))
    if tool == "Grep" and may_pick_credential(names):
        findings.append(Finding(Verdict.ASK, f"`{names}` picks credential files"))
    if ".." in names or "\\" in names or hidden_character(names):
        findings.append(Finding(Verdict.ASK, f"`{names}` may lead upwards"))
    return strictest(findings)


def _judge_path(tool: str, text: str, patterns: Sequence[str], context: Context) -> Finding:
    if not text or "\0" in text or len(os.fsencode(text)) > _PATH_BYTES_MAX:
        return Finding(Verdict.DENY, "the path is empty, too long, or not a text", is_fixed=True)
    written = context.home.rstrip("/") + text[1:] if text == "~" or text.startswith("~/") else text
    place = locate(written, context.real_cwd)
    if is_credential(place):
        return Finding(Verdict.DENY, f"`{text}` is a credential file; no rule opens those", is_fixed=True)
    hidden = hidden_character(text)
    if hidden:
        found = Finding(Verdict.ASK, f"the path holds a character that cannot be seen ({hidden})", is_fixed=True)
    elif _ODD.search(text) or "\n" in text or "\t" in text or written.startswith("~") or is_kernel(written):
        found = Finding(Verdict.ASK, f"`{text}` is not a plain path", is_fixed=True)
    elif tool in WRITERS:
        found = _judge_write(tool, text, place, patterns, context)
    else:
        found = _judge_read(place, patterns, context)
    return replace(found, place=place.real)


def _judge_read(place: Place, patterns: Sequence[str], context: Context) -> Finding:
    if is_sensitive(place):
        return Finding(Verdict.ASK, f"`{place.real}` often holds secrets")
    project = context.real_project
    if is_within(place.real, project):
        return Finding(Verdict.ALLOW, "reading inside the project is free", reads_only=True)
    if any(covers(pattern, place.real, project, context.home) for pattern in patterns):
        return Finding(Verdict.ALLOW, "a rule covers this path", reads_only=True)
    return Finding(Verdict.ASK, f"`{place.real}` is outside the project", _grant(place, context), reads_only=True)


def _judge_write(tool: str, text: str, place: Place, patterns: Sequence[str], context: Context) -> Finding:
    project = context.real_project
    own = folded(context.own_home)
    if any(
        is_within(folded(path), own) and folded(path).startswith(f"{own}/{_STORE}")
        for path in (place.real, place.written)
    ):
        return Finding(Verdict.DENY, "no tool may write the store of rules", is_fixed=True)
    if is_guarded(place, context):
        return Finding(
            Verdict.ASK, f"`{text}` is run or read by other programs by itself; it always asks", is_fixed=True
        )
    if text.endswith(("/", "/.", "/..")) or place.real == project:
        return Finding(Verdict.ASK, f"`{text}` is a folder", is_fixed=True)
    if any(covers(pattern, place.real, project, context.home) for pattern in patterns):
        return Finding(Verdict.ALLOW, "a rule covers this path")
    if is_within(place.real, project):
        return Finding(Verdict.ASK, f"{tool} changes `{text}`", _grant(place, context))
    return Finding(Verdict.ASK, f"`{place.real}` is outside the project", _grant(place, context), is_fixed=True)


def _grant(place: Place, context: Context) -> tuple[str, ...]:
    pattern = exact_pattern(place.real, context.real_project)
    return (pattern,) if pattern else ()
