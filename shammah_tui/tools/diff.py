"""A unified diff that stays quick and bounded whatever the files are."""

from __future__ import annotations

import difflib

_CONTEXT_LINES = 3
# difflib is quadratic: beyond this the changed part is shown as taken out whole and put in whole.
_COMPARED_LINES = 2_000


def unified(before: str, after: str, name: str, characters: int) -> str:
    """The difference of two texts, with three lines around it, cut at `characters` with a note."""
    old, new = before.split("\n"), after.split("\n")
    same_head = _common(old, new)
    same_tail = min(_common(old[::-1], new[::-1]), min(len(old), len(new)) - same_head)
    start = max(0, same_head - _CONTEXT_LINES)
    old_part = old[start : len(old) - max(0, same_tail - _CONTEXT_LINES)]
    new_part = new[start : len(new) - max(0, same_tail - _CONTEXT_LINES)]
    if max(len(old_part), len(new_part)) <= _COMPARED_LINES:
        lines = list(difflib.unified_diff(old_part, new_part, lineterm="", n=_CONTEXT_LINES))[2:]
        lines = [_moved(line, start) if line.startswith("@@") else line for line in lines]
    else:
        lines = [f"@@ -{start + 1},{len(old_part)} +{start + 1},{len(new_part)} @@"]
        lines += [f"-{line}" for line in old_part] + [f"+{line}" for line in new_part]
    if not lines:
        return ""
    text = "\n".join([f"--- {name}", f"+++ {name}", *(line.removesuffix("\r") for line in lines)])
    return text if len(text) <= characters else f"{text[:characters]}\n[… the diff goes on]"


def counts(before: str, after: str, diff: str) -> str:
    """How many lines came and went, as the summary says it; `diff` is that of the two texts."""
    added = sum(line.startswith("+") and not line.startswith("+++") for line in diff.split("\n"))
    removed = sum(line.startswith("-") and not line.startswith("---") for line in diff.split("\n"))
    return f"+{added} −{removed} lines" if before != after else "no change"


def _common(one: list[str], other: list[str]) -> int:
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _moved(header: str, lines: int) -> str:
    """A hunk header of the part, as one of the whole: `@@ -1,4 +1,5 @@`."""
    _, old, new, _ = header.split(" ")
    return f"@@ {_shifted(old, lines)} {_shifted(new, lines)} @@"


def _shifted(span: str, lines: int) -> str:
    first, comma, length = span[1:].partition(",")
    return f"{span[0]}{int(first) + lines}{comma}{length}"
