"""The person's own editor for a longer text: `$VISUAL`, then `$EDITOR`, then vi, over the whole terminal."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shammah_tui.errors import ConfigError, ShammahError

if TYPE_CHECKING:
    from textual.app import App

FALLBACKS = ("vi", "nano")


async def edit(app: App[object], text: str, *, suffix: str = ".md") -> str:
    """`text` as the person left it. Raises ShammahError where there is no editor, or it failed; `text` is then kept."""
    from textual.app import SuspendNotSupported

    arguments = command()
    try:
        file = _temporary(text, suffix)
        try:
            with undisturbed(), app.suspend():
                process = await asyncio.create_subprocess_exec(*arguments, file)
                status = await process.wait()
            if status != 0:
                raise ShammahError(f"{arguments[0]} ended with status {status}; the text is as it was.")
            return _read(file)
        finally:
            _remove(file)
    except SuspendNotSupported as error:
        raise ShammahError("This terminal cannot be given to an editor.") from error
    except OSError as error:
        raise ShammahError(
            f"{arguments[0]} could not be started: {error.strerror or error}.", "Set $VISUAL or $EDITOR to your editor."
        ) from error


def command() -> list[str]:
    """The person's editor and its arguments. Raises ConfigError where there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if given := os.environ.get(variable, "").strip():
            try:
                return shlex.split(given)
            except ValueError as error:
                raise ConfigError(
                    f"${variable} is no command: {given} ({error}).", "Set it to your editor, such as vim."
                ) from None
    for name in FALLBACKS:
        if shutil.which(name):
            return [name]
    raise ConfigError("There is no editor.", "Set $VISUAL or $EDITOR to yours.")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl+C and Ctrl+\\ are the editor's while it has the terminal. In the main thread only."""
    # Signals that are ignored would be ignored in the editor as well.
    before = {number: signal.signal(number, _hear) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hear(*_: object) -> None:
    return


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
