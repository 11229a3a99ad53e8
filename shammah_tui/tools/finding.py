"""What a search asks for and finds, the same for ripgrep and for the search that takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shammah_tui.tools.path_pattern import PathPattern
from shammah_tui.tools.permission.place import Place, is_credential

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

    def covers(self, path: str) -> bool:
        """Whether the file at `path`, relative to the root, is searched. Of many files, those with credentials never
        are: a search of the whole project is allowed without a question."""
        if self.is_file:
            return True
        full = f"{self.root}/{path}"
        return (self.paths is None or self.paths.matches(path)) and not is_credential(Place(full, full))


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
