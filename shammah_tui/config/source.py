"""The text of `config.toml`, read with care, and where each key stands in it. Nothing here knows what a key means."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shammah_tui.errors import ConfigError

SIZE_BYTES_MAX = 256 * 1024
# Finding lines parses the file once for each line; beyond this a message goes without.
LINES_MAX = 2000
POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
HINT = "Mend it with `shammah config edit`. Moved away, the defaults are written anew."


@dataclass(frozen=True, slots=True)
class Source:
    """What the file holds. `values` is its TOML; both are empty where there is no file."""

    path: Path
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def lines_of(self, names: set[str]) -> dict[str, int]:
        """The line on which each of `names` (full names) begins, found with the parser itself: the first piece of the
        file that parses and has the name ends with it, so that strings over several lines mislead nobody."""
        lines = self.text.split("\n")
        found: dict[str, int] = {}
        begin = 1
        if len(lines) > LINES_MAX:
            return found
        for count in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("\n".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue
            for name in names - found.keys():
                if _has(values, name):
                    found[name] = begin
            begin = count + 1
        return found


def read(path: Path) -> Source:
    """Read `path`; no file is an empty source. Raises ConfigError where something else is there, or no TOML."""
    text = _read_text(path)
    try:
        return Source(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {_with_line(str(error), text)}", HINT) from None


def _read_text(path: Path) -> str:
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path} is a link to {path.readlink()}, which does not exist.", HINT) from None
        return ""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", f"Look at it with: ls -ld {path}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise ConfigError(f"{path} is no file ({_kind(mode)}).", f"Look at it with: ls -ld {path}")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(SIZE_BYTES_MAX + 1)
    if len(content) > SIZE_BYTES_MAX:
        raise ConfigError(f"{path} is larger than {SIZE_BYTES_MAX // 1024} KB.", HINT)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8 text.", HINT) from None


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a FIFO" if stat.S_ISFIFO(mode) else "a device or socket"


def _with_line(message: str, text: str) -> str:
    """The parser's "reason (at line 3, column 8)" as "line 3, column 8: reason", with that line if it is short."""
    position = POSITION.search(message)
    reason = POSITION.sub("", message).strip()
    if position is None:
        return f"line {text.count(chr(10)) + 1}: {reason}"
    line = text.split("\n")[int(position[1]) - 1].strip()
    shown = f": {line!r}" if line.isprintable() and 0 < len(line) <= 80 else ""
    return f"line {position[1]}, column {position[2]}: {reason}{shown}"


def _has(values: Any, name: str) -> bool:
    """Whether `name` leads to something; a name of a table may hold dots itself."""
    if not isinstance(values, Mapping):
        return False
    if name in values:
        return True
    dots = [place for place, character in enumerate(name) if character == "."]
    return any(name[:dot] in values and _has(values[name[:dot]], name[dot + 1 :]) for dot in dots)


def leaves(values: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    """Full names and values; tables one deep are sections, deeper ones are values."""
    for name, value in values.items():
        if not section and isinstance(value, Mapping):
            yield from leaves(value, name)
        else:
            yield (f"{section}.{name}" if section else name), value
