"""Where a long Markdown text may be cut in two, so that a long answer costs no more to draw than a short one.

Only lines are looked at, nothing is parsed: the best place is before a paragraph; then the last line, inside a code
block or a table too, whose beginning then opens the rest again; a text without lines is cut between words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A text this long is cut as soon as there is a good place; this much longer, at the last line; twice as long, anywhere.
CHARACTERS = 4_000
FORCED_CHARACTERS = 5_000

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
_TABLE_RULE = re.compile(r"^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")


@dataclass(frozen=True, slots=True)
class Cut:
    """The rest begins at character `at`. `opening`: the lines that open again what was cut through. `joined`: the rest
    follows without an empty line."""

    at: int
    opening: str = ""
    joined: bool = False


def cut(source: str, opening: str = "") -> Cut | None:
    """Where to cut `source`, which continues what `opening` opens; None while there is no place yet."""
    if len(source) <= CHARACTERS:
        return None
    best: Cut | None = None
    forced: Cut | None = None
    fence = opening if _FENCE.match(opening) else ""
    table = opening if opening and not fence else ""
    at, before, blank = 0, "", False
    for line in source.split("\n"):
        if at > CHARACTERS and best is not None:
            return best
        complete = at + len(line) < len(source)
        if at > CHARACTERS // 4 and not fence and blank and line[:1].strip():
            best = Cut(at)
        elif at > CHARACTERS and (forced is None or (at <= FORCED_CHARACTERS and (fence or line[:1].strip()))):
            # As late as may be: what is left is drawn anew. Not within an entry of a list, where there is a choice.
            forced = Cut(at, fence or table, joined=not blank)
        if not complete:
            break
        found = _FENCE.match(line) if line.lstrip()[:1] in ("`", "~") else None
        if fence:
            fence = "" if found and _closes(found, fence) else fence
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            fence, table = line.strip(), ""
        elif not line.strip() or "|" not in line:
            table = ""
        elif not table and "|" in before and _TABLE_RULE.match(line):
            table = f"{before}\n{line}"
        before, blank = line, not line.strip()
        at += len(line) + 1
    if best is not None or len(source) <= FORCED_CHARACTERS:
        return best
    return forced or (_between_words(source, fence) if len(source) > 2 * CHARACTERS else None)


def _between_words(source: str, fence: str) -> Cut:
    """In a line that does not end; `fence` as it was where that line began."""
    start = source.rfind("\n") + 1
    if start > CHARACTERS // 4:
        return Cut(start, fence, joined=True)
    return Cut(source.rfind(" ", 1, CHARACTERS) + 1 or CHARACTERS, fence, joined=True)


def _closes(found: re.Match[str], fence: str) -> bool:
    mark = found[1]
    opening = _FENCE.match(fence)
    return opening is not None and mark[0] == opening[1][0] and len(mark) >= len(opening[1]) and not found[2].strip()
