"""Training runs on disk: a folder each, `<home>/runs/<id>/`.

rows.jsonl     the snapshot that is learned
run.json       a `RunState` of `wire`: replaced whole at each change of its status
events.jsonl   every event of the run, one JSON object a line, numbered: what a client follows from the start
steps.jsonl, report.json   of the trainer, as `shammah train` leaves them
job.json, out/, trainer.log   what the child was told, where it writes, what it said on standard error
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shammah_tui.errors import RequestError
from shammah_tui.files import private_folder, write_private
from shammah_tui.wire import RunState

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Runs:
    """Short work on small files; the caller keeps it off the event loop. Raises HomeError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run: str) -> Path:
        """Raises RequestError for a name that could lead elsewhere."""
        if not NAME.fullmatch(run):
            raise RequestError(
                f'"{run[:100]}" is no name of a run.', "Small letters, digits, dots, dashes.", param="run"
            )
        return self.folder / run

    def new_name(self) -> str:
        stem = datetime.now(UTC).strftime("run-%Y%m%d-%H%M%S")
        name, number = stem, 1
        while (self.folder / name).exists():
            number += 1
            name = f"{stem}-{number}"
        return name

    def begin(self, run: str, rows: tuple[dict[str, Any], ...]) -> Path:
        """The folder of a run with its rows; those given are written. Raises RequestError without any, or a second
        time."""
        folder = private_folder(self.path(run))
        if (folder / "run.json").exists():
            raise RequestError(f"The run {run} was made already.", "Choose another name.", status=409, param="run")
        if rows:
            lines = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
            write_private(folder / "rows.jsonl", lines)
        if not (folder / "rows.jsonl").is_file():
            raise RequestError("There are no rows to learn.", f"They belong in {folder / 'rows.jsonl'}.", param="rows")
        return folder

    def write(self, state: RunState) -> None:
        write_private(self.path(state.run) / "run.json", state.model_dump_json(indent=2).encode() + b"\n")

    def read(self, run: str) -> RunState | None:
        try:
            return RunState.model_validate_json((self.path(run) / "run.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def all(self) -> list[RunState]:
        """Newest first; folders without a readable state are passed over."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name)]
        states = [state for name in names if (state := self.read(name)) is not None]
        return sorted(states, key=lambda state: (state.started_at, state.run), reverse=True)

    def append(self, run: str, event: dict[str, Any]) -> None:
        """Raises OSError."""
        with (self.path(run) / "events.jsonl").open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            torn = False
            if end:
                file.seek(end - 1)
                torn = file.read(1) != b"\n"
            # A line that a crash tore must not swallow this one.
            file.write(b"\n" * torn + json.dumps(event, default=str).encode() + b"\n")

    def events(self, run: str) -> Iterator[dict[str, Any]]:
        """Those on disk. A torn line, as a crash leaves it, is passed over."""
        path = self.path(run) / "events.jsonl"
        for line in path.read_bytes().split(b"\n") if path.is_file() else ():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event
