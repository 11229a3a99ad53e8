"""What a call would do, for the person who is asked: the command whole, or the diff of a change not yet made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shammah_tui.tools import edit, write
from shammah_tui.tools.diff import unified
from shammah_tui.tools.edit import EditArguments
from shammah_tui.tools.tool import Context, Refused
from shammah_tui.tools.write import WriteArguments


@dataclass(frozen=True, slots=True)
class Preview:
    """`text` is plain content, never markup. `trouble` says why the call would fail if it were allowed: then there is
    nothing to ask, and running it tells the model."""

    kind: Literal["command", "diff", "address", "path", "reason"]
    text: str
    trouble: str = ""
    reach: str = ""
    """For a command: whether it runs inside the sandbox, and what it is given there."""


_SHOWN: Mapping[str, tuple[Literal["command", "address", "path", "reason"], str]] = {
    "Bash": ("command", "command"),
    "WebFetch": ("address", "url"),
    "Read": ("path", "file_path"),
    "Glob": ("path", "pattern"),
    "Grep": ("path", "pattern"),
    "Restart": ("reason", "reason"),
}


def preview(tool: str, arguments: Mapping[str, Any], context: Context) -> Preview:
    """Reads the file that a change is about, and writes nothing. `arguments` are those of a call that was judged."""
    if tool not in ("Edit", "Write"):
        kind, name = _SHOWN[tool]
        text = str(arguments.get(name, ""))
        folder = arguments.get("path")
        return Preview(kind, f"{text} in {folder}" if kind == "path" and folder else text)
    try:
        if tool == "Edit":
            path, before, text = edit.planned(EditArguments.model_validate(dict(arguments)), context)
            old = before.text
        else:
            path, stored, text = write.planned(WriteArguments.model_validate(dict(arguments)), context)
            old = stored.text if stored else ""
    except Refused as error:
        return Preview("diff", "", error.text)
    except OSError as error:
        return Preview("diff", "", f"{arguments['file_path']}: {error.strerror or error}")
    return Preview("diff", unified(old, text, str(path), context.limits.diff_characters))
