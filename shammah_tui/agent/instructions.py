"""What the project says to assistants: `AGENTS.md`, else `CLAUDE.md`, from the repository's root down to the folder.

Such a file may come with somebody else's repository, and goes to the model unasked: a link out of the repository, or
to what holds secrets, is passed over.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

NAMES = ("AGENTS.md", "CLAUDE.md")
BYTES_MAX = 32_000
_ROOT_MARKS = (".git", ".hg", ".jj")


@dataclass(frozen=True, slots=True)
class Instructions:
    """`text` for the system prompt, the outermost folder's first; `files` it came from; `notice` where some was cut."""

    text: str = ""
    files: tuple[Path, ...] = ()
    notice: str = ""


def instructions(folder: Path) -> Instructions:
    """What holds in `folder`. Outside a repository only the folder itself is looked at. Never raises."""
    texts: list[str] = []
    files: list[Path] = []
    notices: list[str] = []
    left = BYTES_MAX
    folders = _folders(folder)
    for place in folders:
        file = next((place / name for name in NAMES if (place / name).is_file()), None)
        if file is None:
            continue
        if not _is_own(file, folders[0]):
            notices.append(f"{file} was passed over: it is a link to what is not this project's.")
            continue
        try:
            data = _read(file, left + 1)
        except OSError as error:
            notices.append(f"{file} could not be read: {error.strerror or error}.")
            continue
        if len(data) > left:
            notices.append(f"{file} was cut: instructions have {BYTES_MAX:,} bytes at most.")
        text = data[:left].decode("utf-8", "replace").strip()
        left = max(0, left - len(data))
        if text:
            texts.append(text)
            files.append(file)
    return Instructions("\n\n".join(texts), tuple(files), " ".join(notices))


def project_root(folder: Path) -> Path:
    """The root of the repository that holds `folder`; the folder itself where none does."""
    return _folders(folder)[0]


def _folders(folder: Path) -> list[Path]:
    """From the root of the repository that holds `folder` down to it."""
    chain = [folder, *folder.parents]
    for depth, place in enumerate(chain):
        if any((place / mark).exists() for mark in _ROOT_MARKS):
            return chain[depth::-1]
    return [folder]


def _is_own(file: Path, root: Path) -> bool:
    if not file.is_symlink():
        return True
    from shammah_tui.tools.permission.place import is_credential, locate

    place = locate(str(file), str(root))
    return file.resolve().is_relative_to(root.resolve()) and not is_credential(place)


def _read(file: Path, size: int) -> bytes:
    """The beginning of a regular file: a FIFO of that name must not hold up the start."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return stream.read(size)
