"""Files that a question names with `@`: `@src/app.py`, `@"a name with blanks"`, `@docs/` for what is in a folder.

The question goes to the model as it was typed, the text of each file after it. It is the person who names the file, so
nothing is asked; what cannot be read is said, and the question goes without it. What was only pasted or piped in with
the question names nothing.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

FILE_BYTES_MAX = 100_000
ALL_BYTES_MAX = 300_000
FOLDER_ENTRIES_MAX = 200

# An address (`me@host`) and a decorator in the middle of code are no mentions: the sign begins a word.
_MENTION = re.compile(r"""(?:(?<=\s)|(?<=^)|(?<=[(\[,;]))@(?:"([^"\n]+)"|([^\s"@]+))""")
_CLOSING = ".,;:!?)]}'\""


@dataclass(frozen=True, slots=True)
class Attached:
    """`question` with the files in it; `files` that are; `notices` on what was left out or cut, a sentence each."""

    question: str
    files: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def attach(text: str, folder: Path, *, typed: str = "") -> Attached:
    """Read what `text` mentions, from `folder`; what `typed` does, where the person wrote only that of it. A word after
    `@` that is no file stays a word. Never raises."""
    parts: list[str] = []
    files: list[str] = []
    notices: list[str] = []
    left = ALL_BYTES_MAX
    for name in dict.fromkeys(_named(typed or text, folder)):
        try:
            content, cut = _content(_place(folder, name), min(FILE_BYTES_MAX, left))
        except OSError as error:
            notices.append(f"{name} was not attached: {error.strerror or error}.")
            continue
        except ValueError as error:
            notices.append(f"{name} was not attached: {error}.")
            continue
        if cut:
            notices.append(f"Only the first {len(content.encode()):,} bytes of {name} were attached.")
        left -= len(content.encode())
        parts.append(f"<file path={quoteattr(name)}>\n{content.rstrip()}\n</file>")
        files.append(name)
    return Attached("\n\n".join([text, *parts]), tuple(files), tuple(notices))


def _named(text: str, folder: Path) -> list[str]:
    """The names after `@` that exist; punctuation that ends a sentence belongs to it, not to the name."""
    found: list[str] = []
    for quoted, word in _MENTION.findall(text):
        candidates = [quoted] if quoted else [word, word.rstrip(_CLOSING)]
        for name in candidates:
            if name and os.path.lexists(_place(folder, name)):
                found.append(name)
                break
    return found


def _place(folder: Path, name: str) -> Path:
    # pathlib's own raises where there is no such user.
    return folder / os.path.expanduser(name)  # noqa: PTH111


def _content(path: Path, size: int) -> tuple[str, bool]:
    """The text of a file, or the names in a folder; whether it was cut. Raises OSError, ValueError."""
    if path.is_dir():
        names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in os.scandir(path))
        return "\n".join(names[:FOLDER_ENTRIES_MAX]), len(names) > FOLDER_ENTRIES_MAX
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        data = file.read(size + 1)
    if b"\0" in data:
        raise ValueError("it is no text")
    return data[:size].decode("utf-8", "replace"), len(data) > size
