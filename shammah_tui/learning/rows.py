"""Rows of `--rows`: one JSON object a line, checked at the edge and frozen inside.

`messages` is the prompt in OpenAI's form, `chosen` the answer wanted (for replay it may be missing: then the base's
own answer counts), `rejected` the answer that was criticised: never a target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shammah_tui.errors import ShammahError
from shammah_tui.store.rule import EVERYWHERE, Scope

Kind = Literal["in_scope", "near_scope", "out_of_scope", "heldout"]
Color = Literal["red", "yellow", "green"]

REPLAY: tuple[Kind, ...] = ("near_scope", "out_of_scope")
# Below this many rated rows of a rule none can be spared for measuring.
SPARE_FROM = 5
HELD_OUT_EVERY = 5


class RowsError(ShammahError):
    """The file of rows cannot be used; names the line."""

    exit_code = 2


class WrittenScope(BaseModel):
    """Where a row's rule applies; see `store.rule.Scope`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    languages: tuple[str, ...] = ()
    outside_tests: bool = False
    only_tests: bool = False
    paths: tuple[str, ...] = ()


class WrittenRow(BaseModel):
    """A row as it stands in the file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    messages: list[dict[str, Any]] = Field(min_length=1)
    chosen: str | None = None
    rejected: str | None = None
    color: Color = "red"
    kind: Kind = "in_scope"
    rule: str = ""
    scope: WrittenScope = WrittenScope()
    tools: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """Line in the file, from 1; 0 for a row that was added to the replay."""
    messages: tuple[dict[str, Any], ...]
    chosen: str
    """Empty where the base's own answer counts."""
    rejected: str
    color: Color
    kind: Kind
    rule: str
    tools: tuple[dict[str, Any], ...] = ()
    held_out: bool = False
    """Only measured, never learned."""
    scope: Scope = EVERYWHERE
    """Where its rule applies."""

    @property
    def rated(self) -> bool:
        return self.kind not in REPLAY


def read_rows(path: Path) -> list[Row]:
    """Rows in the file's order, without repetitions of the same (prompt, rule, answer). Raises `RowsError`."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RowsError(f"The rows in {path} cannot be read: {error.strerror}.") from error
    seen: dict[bytes, Row] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = _parsed(path, number, line)
            seen.setdefault(_identity(row), row)
    rows = list(seen.values())
    if not any(row.kind == "in_scope" for row in rows):
        raise RowsError(f"{path.name} has no row of the kind in_scope: there is nothing to learn.")
    return rows


def _parsed(path: Path, number: int, line: bytes) -> Row:
    try:
        written = WrittenRow.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RowsError(f"{path.name}, line {number}: {where or 'the line'}: {first['msg']}.") from error
    if written.kind not in REPLAY and not (written.chosen or "").strip():
        raise RowsError(f"{path.name}, line {number}: a row of the kind {written.kind} needs `chosen`.")
    return Row(
        number=number,
        messages=tuple(written.messages),
        chosen=written.chosen or "",
        rejected=written.rejected or "",
        color=written.color,
        kind=written.kind,
        rule=written.rule,
        tools=tuple(written.tools),
        held_out=written.kind == "heldout",
        scope=Scope(**written.scope.model_dump()),
    )


def _identity(row: Row) -> bytes:
    return hashlib.sha256(repr((row.messages, row.rule, row.kind, row.chosen)).encode()).digest()


def with_held_out(rows: Sequence[Row]) -> list[Row]:
    """Marks rows that are only measured: every `heldout`; where a rule has none, a fifth of its rated rows if it can
    spare them; and a fifth of each replay kind. Chosen by position, so that the same file gives the same split."""
    kept = {row.rule for row in rows if row.kind == "heldout"}
    marked: set[int] = set()
    for kind in ("in_scope", *REPLAY):
        for rule in dict.fromkeys(row.rule for row in rows if row.kind == kind):
            group = [row.number for row in rows if row.kind == kind and row.rule == rule]
            if len(group) >= SPARE_FROM and not (kind == "in_scope" and (rule in kept or "" in kept)):
                marked.update(group[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])
    return [replace(row, held_out=True) if row.number in marked else row for row in rows]
