"""The person's own editor for a longer text: `$VISUAL`, then `$EDITOR`, then vi, over the whole terminal."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from shammah_tui.errors import ShammahError

FALLBACKS = ("vi", "nano")


async def edit(app: App[object], text: str, *, suffix: str = ".md") -> str:
    """`text` as the person left it. Raises ShammahError where there is no editor, or it failed; `text` is then kept."""
    command = _command()
    try:
        file = _temporary(text, suffix)
        try:
            with app.suspend():
                process = await asyncio.create_subprocess_exec(*command, file)
                status = await process.wait()
            if status != 0:
                raise ShammahError(f"{command[0]} ended with status {status}; the text is as it was.")
            return _read(file)
        finally:
            _remove(file)
    except SuspendNotSupported as error:
        raise ShammahError("This terminal cannot be given to an editor.") from error
    except OSError as error:
        raise ShammahError(
            f"{command[0]} could not be started: {error.strerror or error}.", "Set $VISUAL or $EDITOR to your editor."
        ) from error


def _temporary(text: str, suffix: str) -> Path:
    """A new file, 0600, in the folder for such."""
    descriptor, name = tempfile.mkstemp(prefix="shammah-", suffix=suffix)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return Path(name)


def _read(file: Path) -> str:
    return file.read_text("utf-8", "replace").removesuffix("\n")


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)


def _command() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if given := os.environ.get(variable, "").strip():
            return shlex.split(given)
    for name in FALLBACKS:
        if shutil.which(name):
            return [name]
    raise ShammahError("There is no editor.", "Set $VISUAL or $EDITOR to yours.")
