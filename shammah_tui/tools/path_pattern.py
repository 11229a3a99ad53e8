"""Path patterns as ripgrep's globs: `*`, `?`, `**`, `[a-z]`, `{a,b}`; a leading `!` excludes.

A pattern without a slash is about the name, in whatever folder; with one it is about the path from the root of the
search. Source: the syntax of the globset crate, with `literal_separator`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class BadPattern(ValueError):
    """The pattern cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    expression: re.Pattern[str]
    by_name: bool
    excludes: bool

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Raises BadPattern."""
        excludes = text.startswith("!")
        body = text.removeprefix("!")
        by_name = "/" not in body
        body = body.removeprefix("/")
        if not body or len(text) > 1_000:
            raise BadPattern("the pattern is empty or longer than 1000 characters")
        try:
            return cls(re.compile(_translate(body), re.DOTALL), by_name, excludes)
        except re.error as error:
            raise BadPattern(f"the pattern {text!r} cannot be read: {error}") from error

    def matches(self, path: str) -> bool:
        """`path` is relative to the root of the search, with slashes."""
        name = path.rpartition("/")[2] if self.by_name else path
        return (self.expression.fullmatch(name) is not None) != self.excludes

    def name_pattern(self, text: str) -> str:
        """A pattern that the name of every path covered by `text`, this one's source, must match; empty where none is
        known."""
        name = text.rpartition("/")[2]
        is_known = not self.excludes and (self.by_name or "{" not in text) and name and not name.startswith("**")
        return name if is_known else ""


def _translate(body: str) -> str:
    out: list[str] = []
    depth = position = 0
    while position < len(body):
        character = body[position]
        if body.startswith("**/", position) and (position == 0 or body[position - 1] == "/"):
            out.append("(?:.*/)?")
            position += 3
            continue
        if body[position:] == "**" and (position == 0 or body[position - 1] == "/"):
            out.append(".*" if position == 0 else ".+")
            break
        if character == "[":
            piece, position = _character_class(body, position)
            out.append(piece)
            continue
        if character == "\\":
            position += 1
            if position == len(body):
                raise BadPattern("a backslash ends the pattern")
            out.append(re.escape(body[position]))
        elif character == "{":
            depth += 1
            out.append("(?:")
        elif character == "}" and depth:
            depth -= 1
            out.append(")")
        elif character == "}":
            raise BadPattern("a brace is closed that was not opened")
        elif character == "," and depth:
            out.append("|")
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
        position += 1
    if depth:
        raise BadPattern("a brace is not closed")
    return "".join(out)


def _character_class(body: str, start: int) -> tuple[str, int]:
    """A class such as `[!a-z]`, as an expression, and where the pattern goes on."""
    inner = start + 1
    negated = body[inner : inner + 1] in ("!", "^")
    inner += negated
    end = body.find("]", inner + 1)
    if end < 0:
        raise BadPattern("a bracket is not closed")
    members = re.sub(r"([\\\[\]&~|^])", r"\\\1", body[inner:end])
    return f"(?!/)[{'^' if negated else ''}{members}]", end + 1
