"""File patterns that the shell matches itself (`src/*.py`): what they may reach, and what they reach at this moment."""

from __future__ import annotations

import glob
import os
import re
from fnmatch import fnmatchcase
from itertools import islice

from shammah_tui.tools.permission.decision import Finding, Verdict
from shammah_tui.tools.permission.place import Place, locate, names_credential

_MATCHES_MAX = 2_000
# Bash negates with `^` as well, and knows classes by name: any one character is more than either can match.
_CLASS = re.compile(r"\[[^/]*\]")


def trouble_of_glob(text: str) -> Finding | None:
    """A file pattern must not reach hidden files, credentials, or upwards, whatever there is now."""
    for component in text.split("/"):
        if names_credential(component):
            return Finding(Verdict.DENY, f"it touches a credential file (`{text}`)", is_fixed=True)
    for component in text[len(_head(text)) :].split("/"):
        if component.startswith("id") and fnmatchcase("id_rsa", component):
            return Finding(Verdict.ASK, f"`{text}` may reach a private key")
        if (component.startswith(".") and component != ".") or re.match(r"\[[^\]]*\.", component):
            return Finding(Verdict.ASK, f"`{text}` may reach hidden files or lead upwards")
    return None


def reached(text: str, folder: str) -> list[Place] | None:
    """Where a file pattern leads from `folder`: its fixed beginning, and each file that it matches now, for one may be
    a link out of the project. None where there are too many to look at."""
    head = _head(text)
    found = [locate(head or ".", folder)]
    if not os.path.isdir(found[0].real):  # noqa: PTH112  a path is a string here
        return found
    matches = glob.iglob(_CLASS.sub("?", text), root_dir=folder)  # noqa: PTH207  a path is a string here
    found += [locate(match, folder) for match in islice(matches, _MATCHES_MAX + 1)]
    return found if len(found) <= _MATCHES_MAX + 1 else None


def _head(text: str) -> str:
    """The path up to the component that holds the first file pattern."""
    fixed = re.split(r"[*?\[]", text, maxsplit=1)[0]
    return fixed[: fixed.rfind("/") + 1]
