"""A text in the person's own editor."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from shammah_tui.errors import ConfigError
from shammah_tui.ui import editor


def edited(text: str, suffix: str) -> str:
    """What the person's editor made of `text`. Raises ConfigError where it cannot be started, or fails."""
    with tempfile.TemporaryDirectory(prefix="shammah-") as folder:
        file = Path(folder) / f"text{suffix}"
        file.write_text(text, "utf-8")
        edit_file(file)
        return file.read_text("utf-8")


def edit_file(file: Path) -> None:
    """Open `file` in the person's editor, and wait for its end. Raises ConfigError where it cannot be started, or
    fails."""
    command = editor.command()
    try:
        with editor.undisturbed():
            code = subprocess.run([*command, str(file)], check=False).returncode
    except OSError as error:
        raise ConfigError(
            f"The editor {command[0]!r} cannot be started: {error.strerror}.", "Set VISUAL or EDITOR to one that can."
        ) from None
    if code != 0:
        raise ConfigError(
            f"The editor {command[0]!r} ended with {code}.", "Try again, or set VISUAL or EDITOR to another."
        )
