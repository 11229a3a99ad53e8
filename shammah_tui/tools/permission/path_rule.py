"""Rules for files: a path glob, anchored at the project, at `/`, or at `~/`.

`*` and `?` stay inside one name, `**` crosses folders, `{a,b}` is either, a closing `/` means all below. A rule is held
against the real path, so that a symlink out of the project is not covered by a rule that means the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache

from shammah_tui.tools.permission.characters import folded, hidden_character
from shammah_tui.tools.permission.decision import Context
from shammah_tui.tools.permission.place import Place, is_within

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\{[^{}/]*\}|[^*?{]+|\{")
_OPEN = re.compile(r"[*?{]")
_ESCAPABLE = re.compile(r"[*?{\[]")


def covers(pattern: str, real: str, project: str, home: str) -> bool:
    """Whether the rule `pattern` covers the real path `real`; `project` is a real path as well."""
    if not pattern or pattern != pattern.strip() or hidden_character(pattern) or "\n" in pattern:
        return False
    compiled, anchor = _compiled(pattern, project, home)
    if compiled is None or (anchor and not is_within(real, anchor)):
        return False
    return compiled.match(real) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, project: str, home: str) -> tuple[re.Pattern[str] | None, str]:
    """The rule as an expression over real paths, and the folder that they must lie in (empty: anywhere)."""
    text = pattern
    if text.startswith("~/"):
        text = home.rstrip("/") + text[1:]
    elif text.startswith("~"):
        return None, ""
    if not text.startswith("/"):
        if not project.startswith("/"):
            return None, ""
        text = f"{project.rstrip('/')}/{text.removeprefix('./')}"
    if text.endswith("/"):
        text += "**"
    found = _OPEN.search(text)
    head = text[: found.start()] if found else text
    cut = head.rfind("/")
    folder, tail = text[:cut] or "/", text[cut + 1 :]
    if ".." in tail.split("/"):
        return None, ""
    # An absolute rule that speaks of the project must not lead out of it by a symlink either.
    anchor = project if is_within(os.path.normpath(folder), project) else ""
    real_folder = os.path.realpath(folder).rstrip("/")
    body = "".join(_expression(piece[0]) for piece in _PIECE.finditer(tail))
    return re.compile(rf"{re.escape(real_folder)}/{body}\Z"), anchor


def _expression(piece: str) -> str:
    if piece == "**/":
        return "(?:[^/]+/)*"
    if piece == "**":
        return ".+"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 1 and piece[0] == "{" and piece[-1] == "}":
        return f"(?:{'|'.join(re.escape(choice) for choice in piece[1:-1].split(','))})"
    return re.escape(piece)


def denies(patterns: Sequence[str], place: Place, context: Context) -> bool:
    """Whether a deny rule speaks of `place`, by its written or its real path; case and width do not count."""
    project, home = folded(context.real_project), folded(context.home)
    return any(
        covers(folded(pattern), folded(path), project, home)
        for pattern in patterns
        for path in (place.real, place.written)
    )


def exact_pattern(real: str, project: str) -> str:
    """The rule that names exactly this file; empty where its name cannot be spelled in a rule."""
    if _ESCAPABLE.search(real) or real != real.strip() or hidden_character(real) or "\n" in real:
        return ""
    if real != project and is_within(real, project):
        return real[len(project.rstrip("/")) + 1 :]
    return real
