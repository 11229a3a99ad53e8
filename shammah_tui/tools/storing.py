"""Reads a file to change it and writes it back: whole or not at all, with its encoding, endings and mode.

The new content goes into a file beside the old one, which it then replaces; the former version is kept first. Both
happen by descriptors of the folder that was resolved, so that no link put there meanwhile leads elsewhere. A hard link
to the file keeps the old content, as with every editor that replaces files in one step.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.tools.diff import counts, unified
from shammah_tui.tools.encoding import Encoding, decode, encode, kind_of_binary
from shammah_tui.tools.former import digest_of
from shammah_tui.tools.opening import open_folder, open_regular, refuse_irregular
from shammah_tui.tools.seen import Stamp
from shammah_tui.tools.tool import Change, Context, Limits, Refused, Result, many

_NEW_FILE_MODE = 0o666  # less the umask
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was found: its bytes, and its text with the endings that it has."""

    data: bytes
    text: str
    encoding: Encoding
    mode: int

    @property
    def digest(self) -> str:
        return digest_of(self.data)


def load(path: Path, limits: Limits) -> Stored | None:
    """The resolved `path`; None where there is no file. Raises Refused (binary, too large, not regular) and OSError."""
    try:
        with open_regular(path) as descriptor:
            status = os.fstat(descriptor)
            if status.st_size > limits.edit_bytes:
                raise Refused(
                    f"{path} has {status.st_size} bytes; files over {limits.edit_bytes} are not changed here."
                )
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(limits.edit_bytes + 1)
    except FileNotFoundError:
        return None
    if kind := kind_of_binary(data):
        raise Refused(f"{path} is {kind}; only text is changed here.")
    decoded = decode(data)
    if decoded is None or len(data) > limits.edit_bytes:
        raise Refused(f"{path} is no text in an encoding that can be written back unchanged.")
    return Stored(data, *decoded, stat.S_IMODE(status.st_mode))


SAME = "holds exactly this already: nothing had to change."


def store(path: Path, before: Stored | None, text: str, context: Context) -> tuple[Result, Stamp]:
    """Write `text` in the encoding of `before` (UTF-8 for a new file) and say what changed.

    Raises Refused where the encoding lacks a character or the file changed since `before`; OSError, HomeError.
    """
    encoding = before.encoding if before else Encoding("utf-8")
    try:
        data = encode(text, encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        raise Refused(f"{path} is {encoding.name}, which has no {character!a}; nothing was written.") from error
    if len(data) > context.limits.edit_bytes:
        raise Refused(f"That makes {len(data)} bytes; files over {context.limits.edit_bytes} are not written here.")
    former = context.former.keep(before.data) if before else ""
    status = _replace(path, data, before)
    digest = digest_of(data)
    old_text = before.text if before else ""
    diff = (
        unified(old_text, text, str(path), context.limits.diff_characters) if before else _as_new(text, path, context)
    )
    summary = counts(old_text, text, diff) if before else f"new file, {many(_line_count(text), 'line')}"
    verb = "changed" if before else "created"
    told = f"{path} {verb}: {summary}." if not before or data != before.data else f"{path} {SAME}"
    result = Result(told, summary, diff=diff, changes=(Change(path, former, digest),))
    return result, Stamp.of(status, digest)


def _as_new(text: str, path: Path, context: Context) -> str:
    return unified("", text, str(path), context.limits.diff_characters)


def _line_count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and text != "")


def _replace(path: Path, data: bytes, before: Stored | None) -> os.stat_result:
    with open_folder(path.parent, create=before is None) as folder:
        temporary = f".{path.name[:100]}.{secrets.token_hex(8)}"
        try:
            descriptor = os.open(temporary, _CREATE, _NEW_FILE_MODE, dir_fd=folder)
            with os.fdopen(descriptor, "wb") as file:
                if before:
                    os.fchmod(descriptor, before.mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
                status = os.fstat(descriptor)
            _put(temporary, path, folder, before)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise
        _sync(folder)
        return status


def _put(temporary: str, path: Path, folder: int, before: Stored | None) -> None:
    """The last look is right before the rename: nobody's change is lost but one of these microseconds."""
    if before is None:
        try:
            os.link(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError as error:
            raise Refused(f"{path} was made by somebody else just now; read it first.") from error
        os.unlink(temporary, dir_fd=folder)
        return
    refuse_irregular(path, os.stat(path.name, dir_fd=folder, follow_symlinks=False))
    with open(os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
        if file.read(len(before.data) + 1) != before.data:
            raise Refused(f"{path} was changed by somebody else just now; read it again.")
    os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)


def _sync(folder: int) -> None:
    """Make the rename survive a loss of power. The folder may be one that we may not list: then the system decides."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
