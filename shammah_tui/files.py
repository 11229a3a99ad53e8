"""Files that belong to one person: written whole or not at all, readable by nobody else. Standard library only.

Sync, and the caller's matter to keep off an event loop where a file is large.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from shammah_tui.errors import HomeError

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def private_folder(path: Path) -> Path:
    """Make `path` and what is missing above it, 0700 whatever the umask; an existing one of ours is tightened.

    Raises HomeError where it cannot be made, is no folder, or belongs to somebody else.
    """
    try:
        for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
            with contextlib.suppress(FileExistsError):
                missing.mkdir(_FOLDER_MODE)
            missing.chmod(_FOLDER_MODE)
        found = path.stat()
        if found.st_uid != os.getuid():
            raise HomeError(f"The folder {path} belongs to another user.", "Choose another one by SHAMMAH_HOME.")
        if found.st_mode & 0o777 != _FOLDER_MODE:
            path.chmod(_FOLDER_MODE)
        if not path.is_dir():
            raise HomeError(f"{path} is a file where a folder is needed.", "Move it away.")
    except OSError as error:
        raise HomeError(
            f"The folder {path} cannot be made: {error.strerror}.",
            "Check its owner and mode, or choose another folder by SHAMMAH_HOME.",
        ) from error
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step, 0600: after a crash the old content is there, or the new, never a mix.

    Raises HomeError (disk full, no permission); the old content is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        try:
            _write_new(temporary, data)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise HomeError(
            f"{path} cannot be written: {error.strerror}.", "Check the free space and the folder's owner and mode."
        ) from error


def create_private(path: Path, data: bytes) -> bool:
    """Write `path` unless it exists, whole or not at all; whether it was this call that wrote it. Raises HomeError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        try:
            _write_new(temporary, data)
            os.link(temporary, path, follow_symlinks=False)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise HomeError(
            f"{path} cannot be written: {error.strerror}.", "Check the free space and the folder's owner and mode."
        ) from error
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a loss of power. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_new(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _FILE_MODE)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
