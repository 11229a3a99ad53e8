"""A text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from shammah_tui.errors import ConfigError


def edited(text: str, suffix: str) -> str:
    """What $VISUAL or $EDITOR made of `text`. Raises ConfigError where it cannot be started, or fails."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="shammah-") as folder:
        file = Path(folder) / f"text{suffix}"
        file.write_text(text, "utf-8")
        try:
            code = subprocess.run([*command, str(file)], check=False).returncode
        except OSError as error:
            raise ConfigError(
                f"The editor {command[0]!r} cannot be started: {error.strerror}.",
                "Set VISUAL or EDITOR to one that can.",
            ) from None
        if code != 0:
            raise ConfigError(f"The editor {command[0]!r} ended with {code}.", "Nothing was changed.")
        return file.read_text("utf-8")
