"""`tool_patterns.json`: the rules that a person saved, kept across sessions. No tool may write it.

A file that cannot be understood whole is kept aside as `.bad-<time>`, and nothing is allowed from it: a rule that is
lost asks again, a rule that is misread would not.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shammah_tui.errors import HomeError
from shammah_tui.files import private_folder, write_private
from shammah_tui.tools.permission.decision import Effect, Rule

VERSION = 1
_BYTES_MAX = 4_000_000
_OTHERS_WRITE = 0o022


class _StoredRule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    tool: Literal["Read", "Glob", "Grep", "Edit", "Write", "Bash", "WebFetch"]
    pattern: Annotated[str, Field(min_length=1, max_length=10_000)]
    effect: Literal["allow", "deny"] = "allow"
    project: Annotated[str, Field(pattern=r"^(?:/[^\n]*)?$")] = ""
    added: str = ""


class _StoredFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: Literal[1]
    rules: Annotated[list[_StoredRule], Field(max_length=10_000)]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules of the store; `notice` tells the person where the file had to be kept aside.

    `added` says of each rule when it was saved (ISO 8601, UTC), empty where that is not known.
    """

    rules: tuple[Rule, ...] = ()
    added: tuple[str, ...] = ()
    notice: str = ""


class _Damaged(Exception):
    """The file cannot be trusted or understood; the message says why."""


def store_file(home: Path) -> Path:
    """Where the store lies in a Shammah home."""
    return home / "tool_patterns.json"


def load(path: Path) -> Loaded:
    """The rules in `path`, none where there is no file. Raises HomeError where it cannot be read."""
    try:
        stored = _read(path)
    except _Damaged as damage:
        aside = path.with_name(
            f"{path.name}.bad-{datetime.now(UTC):%Y%m%dT%H%M%S}-{time.monotonic_ns() % 1_000_000:06d}"
        )
        try:
            path.rename(aside)
        except OSError as error:
            raise HomeError(
                f"{path} cannot be used ({damage}) nor moved: {error.strerror}.", "Move it away."
            ) from error
        return Loaded(
            notice=f"{path.name} could not be used ({damage}). It was kept as {aside.name}; nothing is allowed from it."
        )
    return _loaded(stored)


def add(path: Path, rules: tuple[Rule, ...]) -> Loaded:
    """Save further rules; those already there are kept once. Raises HomeError."""
    with _locked(path):
        loaded = load(path)
        stored = _read(path) if not loaded.notice else []
        known = set(loaded.rules)
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        new = [rule for rule in dict.fromkeys(rules) if rule not in known]
        stored += [
            _StoredRule(tool=rule.tool, pattern=rule.pattern, effect=rule.effect.value, project=rule.project, added=now)  # type: ignore[arg-type]
            for rule in new
        ]
        _write(path, stored)
        return replace(_loaded(stored), notice=loaded.notice)


def remove(path: Path, rule: Rule) -> bool:
    """Forget one rule; whether it was there. Raises HomeError."""
    with _locked(path):
        loaded = load(path)
        if rule not in loaded.rules:
            return False
        kept = [
            stored
            for stored in _read(path)
            if (stored.tool, stored.pattern, stored.effect, stored.project)
            != (rule.tool, rule.pattern, rule.effect.value, rule.project)
        ]
        _write(path, kept)
        return True


def _loaded(stored: list[_StoredRule]) -> Loaded:
    return Loaded(
        tuple(Rule(rule.tool, rule.pattern, Effect(rule.effect), rule.project) for rule in stored),
        tuple(rule.added for rule in stored),
    )


def _write(path: Path, rules: list[_StoredRule]) -> None:
    document = {"version": VERSION, "rules": [rule.model_dump() for rule in rules]}
    write_private(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> list[_StoredRule]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _Damaged("it is a symlink") from error
        raise HomeError(f"{path} cannot be read: {error.strerror}.", "Check its owner and mode.") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _Damaged("it is no file")
        if found.st_uid != os.getuid() or found.st_mode & _OTHERS_WRITE:
            raise _Damaged("others can write it")
        data = file.read(_BYTES_MAX + 1)
    if len(data) > _BYTES_MAX:
        raise _Damaged("it is too large")
    try:
        return _StoredFile.model_validate_json(data).rules
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _Damaged(f"{place + ': ' if place else ''}{first['msg']}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two sessions that save at once wait for each other."""
    folder = os.open(private_folder(path.parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
