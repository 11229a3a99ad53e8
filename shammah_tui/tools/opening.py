"""Opens exactly the file that was judged: no symlink on the way, regular files only.

A path is resolved once. What is then opened is the resolved path, component by component and without following
symlinks, so that a file or folder swapped for a link in between is refused. A FIFO or a device never blocks: files are
opened non-blocking, and looked at before they are read.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from shammah_tui.tools.tool import Context, Refused

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISDIR, "a folder; list it with Glob"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def resolve(text: str, context: Context) -> Path:
    """The real path of what a model wrote, relative to the working folder. Raises Refused where it is not the place
    that the call was allowed for."""
    if not text or "\0" in text:
        raise Refused("The path is empty or holds a NUL character.")
    try:
        real = os.path.realpath(context.cwd / Path(text).expanduser())
        os.fsencode(real)
    except (OSError, RuntimeError, UnicodeError) as error:
        raise Refused(f"{text!r} is not a path that can be used: {error}.") from error
    if context.place and real != context.place:
        raise Refused(f"{text} leads to another place than it did when it was allowed. Ask again.")
    return Path(real)


@contextlib.contextmanager
def open_folder(folder: Path, *, create: bool = False) -> Iterator[int]:
    """A descriptor of the resolved `folder`, for calls with `dir_fd`. Raises OSError (ELOOP, ENOTDIR at a symlink)."""
    descriptor = os.open("/", _FOLDER)
    try:
        for name in folder.parts[1:]:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
            inner = os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[int]:
    """A readable descriptor of the resolved `path`. Raises Refused where it is no regular file, OSError otherwise."""
    with open_folder(path.parent) as folder:
        try:
            descriptor = os.open(path.name or ".", _FILE, dir_fd=folder)
        except OSError as error:
            refuse_irregular(path, _status(path.name or ".", folder))
            raise error
    try:
        refuse_irregular(path, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def refuse_irregular(path: Path, status: os.stat_result | None) -> None:
    """Raises Refused where `status` is of anything but a regular file."""
    if status is None or stat.S_ISREG(status.st_mode):
        return
    kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "a link, put there just now")
    raise Refused(f"{path} is {kind}, not a regular file.")


def _status(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
