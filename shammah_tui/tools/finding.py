"""What a search asks for and finds, the same for ripgrep and for the search that takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shammah_tui.tools.path_pattern import PathPattern

OutputMode = Literal["content", "files", "count"]


@dataclass(frozen=True, slots=True)
class Search:
    """`root` is a resolved folder, or one regular file; `hits_max` ends the search."""

    pattern: str
    root: Path
    is_file: bool
    glob: str
    paths: PathPattern | None
    """`glob`, parsed."""
    context_lines: int
    mode: OutputMode
    hits_max: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that matches, or one around it; in the modes "files" and "count" a file, `number` its matching lines."""

    path: str
    number: int = 0
    line: str = ""
    is_match: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """`stopped` says why there may be more; empty where this is all."""

    hits: tuple[Hit, ...]
    stopped: str = ""
