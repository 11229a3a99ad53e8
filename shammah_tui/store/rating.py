"""Ratings in the database. One that `add` returned is on the disk, whatever ends the program.

A rating holds its own copy of what was asked and answered, so that it outlives the session. It is known by a number
that is never used again. Rating the same answer a second time changes the rating that is there.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from shammah_tui.conversation import Message
from shammah_tui.store.database import Database
from shammah_tui.store.prompt import messages_from_json, messages_to_json
from shammah_tui.store.text import pattern, storable

Color = Literal["red", "yellow", "green"]
COLORS: tuple[Color, ...] = ("red", "yellow", "green")
# What people call them: by priority, as the commands do.
COLOR_OF: Mapping[str, Color] = {
    **{color: color for color in COLORS},
    "high": "red",
    "critical": "red",
    "medium": "yellow",
    "normal": "green",
    "good": "green",
}

# For training: `waiting` for its rewrite, `ready` with all its rows, `unusable` for the reason that stands beside it.
State = Literal["waiting", "ready", "unusable"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An answer and what it was given to, as the model read it, but for the rules in its system prompt."""

    messages: tuple[Message, ...]
    """What was said before the answer, the system prompt not among it."""
    answer: str
    system: str = ""
    """The system prompt without the rules."""
    session: str = ""
    turn: int = 0
    """With `session` the name of the answer: sequence number of its question. An imported one has no session."""
    model: str = ""
    adapter: str = ""
    route: str = ""
    folder: str = ""
    language: str = ""
    """Of the code in the answer, else what the question names: "python", "rust" …; empty where it is not known."""
    paths: tuple[str, ...] = ()
    """Files that question or tools named."""

    @property
    def question(self) -> str:
        """The last thing that the person said before the answer."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Rating:
    id: int
    color: Color
    snapshot: Snapshot
    note: str = ""
    correction: str = ""
    """The answer as the person would have had it; empty where none was given."""
    masked: tuple[str, ...] = ()
    """Kinds of secrets that were found and are no longer in it."""
    rule: int | None = None
    state: State = "waiting"
    reason: str = ""
    """Why it waits, or why it cannot be used for training."""
    rewrite: str = ""
    """The verified answer that takes the criticised one's place; empty until there is one."""
    rewrite_source: str = ""
    run: str = ""
    """The last training run that it was part of; empty while it is new."""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which ratings to list; empty fields ask for nothing."""

    color: Color | None = None
    session: str = ""
    rule: int | None = None
    state: State | None = None
    search: str = ""
    """Words that must stand in the note, question, answer or correction."""
    only_new: bool = False
    """Only those that no training run has used."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """What the next training run would find."""

    by_color: Mapping[Color, int] = field(default_factory=dict)
    new: int = 0
    """How many of them no run has used."""
    new_ready: int = 0
    """How many of those have their rows: what counts for a training to start by itself."""
    waiting: int = 0
    ready: int = 0
    unusable: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why ratings wait or cannot be used, with how many."""

    @property
    def total(self) -> int:
        return sum(self.by_color.values())


class RatingStore:
    """All raise HomeError where the database cannot be used; nothing is then changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rating: Rating) -> Rating:
        """Keep a new rating, of which what the person gave counts; where the answer has one, that one is changed."""
        return await self._database.run(lambda connection: _add(connection, rating))

    async def add_all(self, ratings: Sequence[Rating]) -> tuple[Rating, ...]:
        """All of them or none."""
        return await self._database.run(lambda connection: tuple(_add(connection, rating) for rating in ratings))

    async def edit(
        self, identity: int, *, color: Color | None = None, note: str | None = None, correction: str | None = None
    ) -> Rating | None:
        """Change what is given; the rating waits for its rewrite again, and counts as new. None: there is no such."""
        changes = {"color": color, "note": note, "correction": correction}
        given = {name: value for name, value in changes.items() if value is not None}
        return await self._database.run(lambda connection: _edit(connection, identity, given))

    async def undo(self, identity: int) -> Rating | None:
        """Take back the last change of a rating. Where there was none before it the rating itself is gone: None."""
        return await self._database.run(lambda connection: _undo(connection, identity))

    async def remove(self, identities: Iterable[int]) -> int:
        """Forget ratings with all that was made from them; how many there were."""
        wanted = tuple(identities)
        return await self._database.run(lambda connection: _remove(connection, wanted))

    async def get(self, identity: int) -> Rating | None:
        return await self._database.run(lambda connection: _get(connection, identity))

    async def of_session(self, session: str) -> dict[int, Rating]:
        """The ratings of a session by turn, for its transcript."""
        found = await self.list(Filter(session=session))
        return {rating.snapshot.turn: rating for rating in found}

    async def list(self, wanted: Filter = Filter(), *, limit: int = -1) -> tuple[Rating, ...]:
        """The newest first."""
        return await self._database.run(lambda connection: _list(connection, wanted, limit))

    async def settle(
        self, rating: Rating, state: State, reason: str = "", *, rewrite: str = "", source: str = ""
    ) -> bool:
        """Note how far a rating is for training; False where it was changed or removed since `rating` was read."""
        values = (state, reason, storable(rewrite), source, rating.id, rating.updated_at)
        return await self._database.run(
            lambda connection: (
                connection.execute(
                    "UPDATE rating SET state = ?, reason = ?, rewrite = ?, rewrite_source = ? "
                    "WHERE id = ? AND updated_at = ?",
                    values,
                ).rowcount
                == 1
            )
        )

    async def trained(self, run: str, identities: Iterable[int], began_at: float) -> None:
        """These were part of the training run `run`: they are no longer new, but for those changed since it began."""
        values = [(run, identity, began_at) for identity in identities]
        await self._database.run(
            lambda connection: connection.executemany(
                "UPDATE rating SET run = ? WHERE id = ? AND updated_at <= ?", values
            )
        )

    async def buffer(self) -> Buffer:
        return await self._database.run(_buffer)


def _add(connection: sqlite3.Connection, rating: Rating) -> Rating:
    shot = rating.snapshot
    if shot.session:
        known = connection.execute(
            "SELECT id, answer FROM rating WHERE session = ? AND turn = ?", (shot.session, shot.turn)
        ).fetchone()
        if known is not None:
            given = {"color": rating.color, "note": rating.note, "correction": rating.correction}
            if known["answer"] != storable(shot.answer):
                # The question was answered anew.
                given |= _snapshot_columns(rating)
            else:
                # A key alone takes nothing back of what was said with the last one.
                given = {name: value for name, value in given.items() if value}
            changed = _edit(connection, known["id"], given)
            assert changed is not None
            return changed
    now = time.time()
    cursor = connection.execute(
        "INSERT INTO rating (session, turn, color, note, correction, system, messages, answer, detail, created_at, "
        "updated_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
        (
            shot.session,
            shot.turn,
            rating.color,
            storable(rating.note),
            storable(rating.correction),
            *_snapshot_columns(rating).values(),
            rating.created_at or now,
            now,
        ),
    )
    assert cursor.lastrowid is not None
    found = _get(connection, cursor.lastrowid)
    assert found is not None
    return found


def _snapshot_columns(rating: Rating) -> dict[str, str]:
    shot = rating.snapshot
    return {
        "system": storable(shot.system),
        "messages": messages_to_json(shot.messages),
        "answer": storable(shot.answer),
        "detail": _detail(rating),
    }


def _edit(connection: sqlite3.Connection, identity: int, given: Mapping[str, str]) -> Rating | None:
    known = connection.execute("SELECT * FROM rating WHERE id = ?", (identity,)).fetchone()
    if known is None:
        return None
    changed: dict[str, Any] = {name: value for name, value in given.items() if storable(value) != known[name]}
    if changed:
        if changed.keys() != {"color"} or "green" in (changed["color"], known["color"]):
            changed |= _NO_RULE
        previous = json.dumps({name: known[name] for name in _CHANGING})
        _write(connection, identity, {**changed, "run": "", "previous": previous})
    return _get(connection, identity)


_CHANGING = ("color", "note", "correction", "rule", "rewrite", "rewrite_source", "run")
_NO_RULE: dict[str, Any] = {"rule": None, "rewrite": "", "rewrite_source": ""}


def _undo(connection: sqlite3.Connection, identity: int) -> Rating | None:
    known = connection.execute("SELECT previous FROM rating WHERE id = ?", (identity,)).fetchone()
    if known is None:
        return None
    if not known["previous"]:
        _remove(connection, (identity,))
        return None
    previous = json.loads(known["previous"])
    if not connection.execute("SELECT 1 FROM rule WHERE id = ?", (previous["rule"],)).fetchone():
        previous |= _NO_RULE
    _write(connection, identity, {**previous, "previous": ""})
    return _get(connection, identity)


def _remove(connection: sqlite3.Connection, identities: Sequence[int]) -> int:
    values = [(identity,) for identity in identities]
    count = connection.executemany("DELETE FROM rating WHERE id = ?", values).rowcount
    _forget_orphans(connection)
    return max(count, 0)


def _forget_orphans(connection: sqlite3.Connection) -> None:
    """A rule that no rating stands for any more goes with the last one, unless the person worded it."""
    connection.execute(
        "DELETE FROM rule WHERE source <> 'person' AND id NOT IN (SELECT rule FROM rating WHERE rule IS NOT NULL)"
    )


def _write(connection: sqlite3.Connection, identity: int, values: Mapping[str, Any]) -> None:
    """Change a rating: it waits again, and what was made from it as it was before goes."""
    connection.execute("DELETE FROM variant WHERE rating = ?", (identity,))
    columns = ", ".join(f"{name} = ?" for name in values)
    stored = [storable(value) if isinstance(value, str) else value for value in values.values()]
    connection.execute(
        f"UPDATE rating SET {columns}, state = 'waiting', reason = '', updated_at = ? WHERE id = ?",
        (*stored, time.time(), identity),
    )
    _forget_orphans(connection)


def _get(connection: sqlite3.Connection, identity: int) -> Rating | None:
    row = connection.execute("SELECT * FROM rating WHERE id = ?", (identity,)).fetchone()
    return None if row is None else _rating(row)


def _list(connection: sqlite3.Connection, wanted: Filter, limit: int) -> tuple[Rating, ...]:
    conditions: list[str] = ["1"]
    values: list[Any] = []
    for column in ("color", "session", "rule", "state"):
        if value := getattr(wanted, column):
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.only_new:
        conditions.append("run = ''")
    for word in wanted.search.split():
        conditions.append("(note || ' ' || messages || ' ' || answer || ' ' || correction) LIKE ? ESCAPE '\\'")
        values.append(pattern(word))
    rows = connection.execute(
        f"SELECT * FROM rating WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?", (*values, limit)
    )
    return tuple(map(_rating, rows.fetchall()))


def _buffer(connection: sqlite3.Connection) -> Buffer:
    def counted(column: str, where: str = "1") -> dict[str, int]:
        rows = connection.execute(f"SELECT {column}, COUNT(*) FROM rating WHERE {where} GROUP BY {column}")
        return {row[0]: row[1] for row in rows.fetchall()}

    colors, states = counted("color"), counted("state")
    return Buffer(
        {color: colors.get(color, 0) for color in COLORS},
        sum(counted("run", "run = ''").values()),
        sum(counted("run", "run = '' AND state = 'ready'").values()),
        states.get("waiting", 0),
        states.get("ready", 0),
        states.get("unusable", 0),
        counted("reason", "reason <> ''"),
    )


def _detail(rating: Rating) -> str:
    """What has no column of its own, as JSON; keys with nothing to say are left out."""
    shot = rating.snapshot
    detail = {name: getattr(shot, name) for name in ("model", "adapter", "route", "folder", "language", "paths")}
    return json.dumps({key: value for key, value in {**detail, "masked": rating.masked}.items() if value})


def _rating(row: sqlite3.Row) -> Rating:
    detail = json.loads(row["detail"])
    masked, paths = tuple(detail.pop("masked", ())), tuple(detail.pop("paths", ()))
    shot = Snapshot(
        messages_from_json(row["messages"]), row["answer"], row["system"], row["session"], row["turn"], **detail
    )
    named = {name: row[name] for name in ("note", "correction", "rule", "state", "reason", "rewrite")}
    return Rating(
        row["id"],
        cast(Color, row["color"]),
        replace(shot, paths=paths),
        **named,
        masked=masked,
        rewrite_source=row["rewrite_source"],
        run=row["run"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
