"""The adapters of one person: a folder each in the Shammah home, and one file that says which of them is used.

    adapters/<name>/     a whole adapter (see `adapter`)
    adapters/current     JSON: format, the name in use ("" is the base alone), its scale, and the names used before it

`current` is replaced in one step, so that after a crash the old adapter is in use, or the new one. Nothing here loads
an adapter: the engine reads `current`, and refuses what does not belong to its model.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from pydantic import ValidationError

from shammah_tui.errors import ShammahError
from shammah_tui.files import private_folder, sync_folder, write_private
from shammah_tui.learning.adapter import AdapterRefused, draft_folder, read_manifest, sweep, verify_files
from shammah_tui.learning.rows import WrittenScope

FORMAT = 1
KEPT = 5
HISTORY_MAX = 20
POINTER = "current"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


By = Literal["person", "program"]


class AdapterUnknown(ShammahError):
    """No adapter has this name."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Current:
    """What is in use. `name` is empty for the base alone; `before` are the names used earlier, the last one last."""

    name: str = ""
    scale: float = 1.0
    before: tuple[str, ...] = ()
    by: By = "program"
    """Who decided it: the person, or the program after a training or in taking one back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter in the store. `problem` says why its manifest cannot be read, and is empty for a sound one."""

    name: str
    folder: Path
    manifest: dict[str, Any]
    size_bytes: int
    is_current: bool
    problem: str = ""

    @property
    def created(self) -> str:
        return str(self.manifest.get("created", ""))

    @property
    def base(self) -> str:
        return str(self.manifest.get("base", {}).get("name", ""))

    @property
    def rules(self) -> list[str]:
        return [str(rule) for rule in self.manifest.get("rules", []) if rule]

    @property
    def scopes(self) -> list[WrittenScope]:
        """Where its rules apply, as far as its manifest tells: that may be a stranger's."""
        written = self.manifest.get("scopes")
        if not isinstance(written, dict):
            return []
        try:
            return [WrittenScope.model_validate(written[rule]) for rule in self.rules if rule in written]
        except ValidationError:
            return []


class Store:
    """All of it is short work on small files; the caller keeps it off an event loop. Raises HomeError where the
    folder cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> Current:
        """Raises `ShammahError` where the file is there and cannot be understood: nothing is guessed."""
        path = self.folder / POINTER
        try:
            said = json.loads(path.read_text("utf-8"))
            name, scale, before = str(said["name"]), float(said["scale"]), tuple(map(str, said["before"]))
            by = str(said.get("by", "person"))
            if by not in get_args(By):
                raise ValueError("nobody who decides")
            if said["format"] != FORMAT or (name and not NAME.fullmatch(name)) or not 0 < scale <= 4:
                raise ValueError("values that cannot be used")
        except FileNotFoundError:
            return Current()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ShammahError(
                f"{path} cannot be read: {error}.",
                "`shammah adapters use NAME` or `shammah adapters off` writes it anew.",
            ) from error
        return Current(name, scale, before, cast(By, by))

    def in_use(self) -> Entry | None:
        """The adapter that `current` names. Raises `AdapterUnknown` where it is gone."""
        name = self.current().name
        return self.find(name) if name else None

    def entries(self) -> list[Entry]:
        """Newest first."""
        if not self.folder.is_dir():
            return []
        found = [self._entry(path) for path in self.folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name)]
        return sorted(found, key=lambda entry: (entry.created, entry.name), reverse=True)

    def find(self, name: str) -> Entry:
        folder = self.folder / name
        if not NAME.fullmatch(name) or not folder.is_dir():
            known = ", ".join(entry.name for entry in self.entries())
            raise AdapterUnknown(
                f'There is no adapter "{name}".', f"There are: {known}." if known else "There is none."
            )
        return self._entry(folder)

    def use(self, name: str, scale: float = 1.0, by: By = "person") -> Entry:
        """Makes it the one in use, once its files are what its manifest says. Raises `AdapterRefused`."""
        if not 0 < scale <= 4:
            raise ShammahError(
                f"{scale:g} is no scale for an adapter.", "It is a number above 0, and 1 as it was measured."
            )
        entry = self.find(name)
        verify_files(entry.folder)
        now = self._known_current()
        self._point(_followed(now, name, scale, by))
        return replace(entry, is_current=True)

    def off(self, by: By = "person") -> Current:
        """The base alone from now on; returns what was in use."""
        now = self._known_current()
        if now.name or now.by != by:
            self._point(_followed(now, "", 1.0, by))
        return now

    def roll_back(self) -> Current:
        """What was in use before is in use again; returns it. One that was removed meanwhile is passed over."""
        before = list(self.current().before)
        while before:
            name = before.pop()
            if not name or (self.folder / name).is_dir():
                if name:
                    verify_files(self.folder / name)
                back = Current(name, 1.0, tuple(before), "person")
                self._point(back)
                return back
        raise ShammahError("There is no earlier adapter to go back to.", "`shammah adapters off` takes the base alone.")

    def add(self, draft: Path, name: str) -> Entry:
        """Moves a whole adapter into the store, and lets the oldest go beyond `KEPT`. Raises `AdapterRefused`, and
        `ShammahError` where the name is taken or none."""
        self.check_new(name)
        verify_files(draft)
        private_folder(self.folder)
        try:
            draft.replace(self.folder / name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The adapters are kept on another disk than the runs.
            with draft_folder(self.folder / name) as copied:
                shutil.copytree(draft, copied, dirs_exist_ok=True)
            shutil.rmtree(draft)
        sync_folder(self.folder)
        self.prune(spare=name)
        return self.find(name)

    def check_new(self, name: str) -> None:
        if not NAME.fullmatch(name) or name == POINTER:
            raise ShammahError(
                f'"{name}" is no name for an adapter.',
                "Small letters, digits, dots, dashes and underscores; 64 at most.",
            )
        if (self.folder / name).exists():
            raise ShammahError(
                f'There is an adapter "{name}" already.', "Choose another name, or remove that one first."
            )

    def remove(self, name: str) -> Entry:
        """Takes it away; if it is in use, the base alone is used from now on."""
        entry = self.find(name)
        if self._known_current().name == name:
            self.off()
        self._discard(entry.folder)
        return entry

    def prune(self, spare: str = "") -> list[str]:
        """Removes the oldest beyond `KEPT`, never the one in use or `spare`; and what killed runs left behind."""
        sweep(self.folder)
        needed = {self._known_current().name, spare}
        extra = [entry for entry in self.entries() if entry.name not in needed]
        gone = extra[max(0, KEPT - len(needed - {""})) :]
        for entry in gone:
            self._discard(entry.folder)
        return [entry.name for entry in gone]

    def _discard(self, folder: Path) -> None:
        """Renamed first: a removal that is cut off leaves no half adapter under its name."""
        aside = folder.with_name(f".{folder.name}.0.removed.part")
        if aside.exists():
            shutil.rmtree(aside)
        folder.replace(aside)
        shutil.rmtree(aside)

    def _known_current(self) -> Current:
        """For writing it anew: a file that cannot be read counts as none."""
        try:
            return self.current()
        except ShammahError:
            return Current()

    def _point(self, current: Current) -> None:
        private_folder(self.folder)
        said = {"format": FORMAT, **asdict(current)}
        write_private(self.folder / POINTER, json.dumps(said).encode() + b"\n")

    def _entry(self, folder: Path) -> Entry:
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        is_current = self._known_current().name == folder.name
        try:
            return Entry(folder.name, folder, read_manifest(folder), size, is_current)
        except AdapterRefused as error:
            return Entry(folder.name, folder, {}, size, is_current, error.message)


def _followed(now: Current, name: str, scale: float, by: By) -> Current:
    before: Sequence[str] = now.before if now.name == name else (*now.before, now.name)
    return Current(name, scale, tuple(before[-HISTORY_MAX:]), by)
