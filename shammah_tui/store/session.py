"""Sessions in the database: each entry is there once it was said, in order, whatever ends the program.

The entry of an answer that is still being written is replaced as it grows; every other one is written once.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from shammah_tui.conversation import Entry, FileChange, FinishReason, Message, Role, ToolCall
from shammah_tui.store.database import Database
from shammah_tui.store.signature import may_hold, runs_of, signature
from shammah_tui.store.text import pattern, storable

TITLE_CHARACTERS = 80
# In place of an id: the one that was written to last. No id looks so.
NEWEST = "@newest"
# Of SQLite's machine: how often a search looks whether it is still wanted.
STEPS_BETWEEN_LOOKS = 1000
# So long at most the database is kept from others to make what the search goes by.
SIGNING_SECONDS, SIGNED_AT_ONCE = 0.05, 200


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session as a list shows it. Times in seconds since 1970."""

    id: str
    title: str
    folder: str
    created_at: float
    updated_at: float
    questions: int
    parent: str = ""
    parent_seq: int = 0


@dataclass(frozen=True, slots=True)
class StoredSession:
    summary: SessionSummary
    entries: tuple[Entry, ...]
    turns: tuple[int, ...]
    """For each entry the sequence number of the question that it belongs to."""


class SessionStore:
    """All raise HomeError where the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, session: str, folder: str, first: int, entries: Sequence[Entry], turn: int) -> None:
        """Keep `entries`, the first of them with sequence number `first`, in place of all that stood from there on.

        A session that is not there yet is begun; its title is the first question.
        """
        await self._database.run(lambda connection: _write(connection, session, folder, first, entries, turn))

    async def branch(self, session: str, length: int, fresh: str) -> bool:
        """Where `session` has more than `length` entries, begin the session `fresh` with the first of them, so many."""
        return await self._database.run(lambda connection: _branch(connection, session, length, fresh))

    async def read(self, session: str) -> StoredSession | None:
        """The session whose id begins with `session`, where that is only one; None where there is none."""
        return await self._database.run(lambda connection: _read(connection, session))

    async def find(self, wanted: str, folder: str) -> StoredSession | None:
        """The session whose id begins with `wanted`, as `read` has it; for NEWEST the last one of `folder`."""
        newest = await self.newest(folder) if wanted == NEWEST else None
        return await self.read(newest.id if newest is not None else wanted)

    async def newest(self, folder: str = "") -> SessionSummary | None:
        """What was written to last, in `folder` where one is named."""
        found = await self.list(folder=folder, limit=1)
        return found[0] if found else None

    async def list(self, *, folder: str = "", search: str = "", limit: int = 200) -> tuple[SessionSummary, ...]:
        """The sessions in which something was asked, the last one first; the words of `search` are looked for in what
        was said, and in the title. A caller that is cancelled ends the search: the next letter is typed by then."""
        unwanted = threading.Event()
        try:
            return await self._database.run(lambda connection: _list(connection, folder, search, limit, unwanted))
        except asyncio.CancelledError:
            unwanted.set()
            raise

    async def sign(self) -> None:
        """Make the searches of `list` fast: without it they find the same. Takes long where it was never done before;
        one that is cancelled has done a part, and the next goes on from there."""
        while await self._database.run(_sign_some):
            pass

    async def rename(self, session: str, title: str) -> None:
        await self._database.run(lambda connection: _rename(connection, session, title))

    async def remove(self, session: str) -> None:
        await self._database.run(lambda connection: connection.execute("DELETE FROM session WHERE id = ?", (session,)))


def _write(
    connection: sqlite3.Connection, session: str, folder: str, first: int, entries: Sequence[Entry], turn: int
) -> None:
    now = time.time()
    touched = connection.execute("SELECT COALESCE(MAX(touched), 0) + 1 FROM session").fetchone()[0]
    known = connection.execute("SELECT title FROM session WHERE id = ?", (session,)).fetchone()
    if known is None:
        number = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM session").fetchone()[0]
        connection.execute(
            "INSERT INTO session (id, number, touched, folder, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
            (session, number, touched, folder, now, now),
        )
    else:
        connection.execute(
            "UPDATE session SET touched = ?, updated_at = ? WHERE id = ?",
            (touched, now, session),
        )
    if known is None or not known["title"]:
        connection.execute("UPDATE session SET title = ? WHERE id = ?", (_title(entries), session))
    connection.execute("DELETE FROM entry WHERE session = ? AND seq >= ?", (session, first))
    connection.executemany(
        "INSERT INTO entry (session, seq, turn, role, content, finish_reason, model, route, detail, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                session,
                seq,
                turn,
                entry.message.role,
                storable(entry.message.content),
                entry.finish_reason,
                entry.model,
                entry.route,
                _detail(entry),
                now,
            )
            for seq, entry in enumerate(entries, first)
        ],
    )


def _branch(connection: sqlite3.Connection, session: str, length: int, fresh: str) -> bool:
    held = connection.execute("SELECT COUNT(*) FROM entry WHERE session = ?", (session,)).fetchone()[0]
    if held <= length:
        return False
    connection.execute(
        "INSERT INTO session (id, number, touched, folder, title, parent, parent_seq, created_at, updated_at) "
        "SELECT ?, (SELECT MAX(number) + 1 FROM session), (SELECT MAX(touched) + 1 FROM session), folder, "
        "CASE WHEN ? > 0 THEN title ELSE '' END, id, ?, ?, ? FROM session WHERE id = ?",
        (fresh, length, length, time.time(), time.time(), session),
    )
    connection.execute(
        "INSERT INTO entry SELECT ?, seq, turn, role, content, finish_reason, model, route, detail, created_at "
        "FROM entry WHERE session = ? AND seq < ?",
        (fresh, session, length),
    )
    return True


def _title(entries: Sequence[Entry]) -> str:
    for entry in entries:
        if entry.message.role == "user":
            words = " ".join(storable(entry.shown or entry.message.content).split())
            return words if len(words) <= TITLE_CHARACTERS else f"{words[: TITLE_CHARACTERS - 1]}…"
    return ""


def _detail(entry: Entry) -> str:
    """What has no column of its own, as JSON; keys with nothing to say are left out."""
    message = entry.message
    detail: dict[str, Any] = {
        "tool_calls": [asdict(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "failed": message.failed,
        "verbatim": message.verbatim,
        "reason": entry.reason,
        "adapter": entry.adapter,
        "adapter_why": entry.adapter_why,
        "shown": entry.shown,
        "diff": entry.diff,
        "changes": [asdict(change) for change in entry.changes],
    }
    return json.dumps({key: value for key, value in detail.items() if value})


def _read(connection: sqlite3.Connection, session: str) -> StoredSession | None:
    found = connection.execute(
        f"{_SUMMARY} WHERE substr(id, 1, ?) = ? ORDER BY id = ? DESC LIMIT 2", (len(session), session, session)
    ).fetchall()
    if not session or not found or (len(found) > 1 and found[0]["id"] != session):
        return None
    summary = _summary(found[0])
    rows = connection.execute("SELECT * FROM entry WHERE session = ? ORDER BY seq", (summary.id,)).fetchall()
    return StoredSession(summary, tuple(map(_entry, rows)), tuple(row["turn"] for row in rows))


def _entry(row: sqlite3.Row) -> Entry:
    detail = json.loads(row["detail"])
    message = Message(
        cast(Role, row["role"]),
        row["content"],
        tuple(ToolCall(**call) for call in detail.get("tool_calls", ())),
        detail.get("tool_call_id", ""),
        detail.get("failed", False),
        detail.get("verbatim", ""),
    )
    return Entry(
        message,
        cast(FinishReason, row["finish_reason"]),
        row["model"],
        row["route"],
        detail.get("reason", ""),
        detail.get("adapter", ""),
        detail.get("shown", ""),
        detail.get("diff", ""),
        tuple(FileChange(**change) for change in detail.get("changes", ())),
        detail.get("adapter_why", ""),
    )


_SUMMARY = (
    "SELECT session.*, "
    "(SELECT COUNT(*) FROM entry WHERE entry.session = session.id AND role = 'user') AS questions FROM session"
)

_SIGNED = "LEFT JOIN signature ON signature.number = session.number AND signature.touched = session.touched"


def _list(
    connection: sqlite3.Connection, folder: str, search: str, limit: int, unwanted: threading.Event
) -> tuple[SessionSummary, ...]:
    """Raises sqlite3.OperationalError once it is `unwanted`."""
    conditions = ["EXISTS (SELECT 1 FROM entry WHERE entry.session = session.id AND role = 'user')"]
    values: list[Any] = []
    if folder:
        conditions.append("folder = ?")
        values.append(folder)
    words = search.split()
    for word in words:
        conditions.append(
            "(title LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM entry WHERE entry.session = session.id "
            "AND role IN ('user', 'assistant') AND content LIKE ? ESCAPE '\\'))"
        )
        values += [pattern(word), pattern(word)]
    condition = " AND ".join(conditions)
    if words:
        runs = frozenset[int]().union(*map(runs_of, words))
        connection.create_function("may_hold", 1, lambda bits: may_hold(bits, runs), deterministic=True)
        # One expression, so that nothing is read of a session before its signature was looked at.
        condition = f"CASE WHEN bits IS NULL OR may_hold(bits) THEN {condition} END"
    query = f"{_SUMMARY} {_SIGNED} WHERE {condition} ORDER BY session.touched DESC LIMIT ?"
    connection.set_progress_handler(unwanted.is_set, STEPS_BETWEEN_LOOKS)
    try:
        rows = connection.execute(query, (*values, limit)).fetchall()
    finally:
        connection.set_progress_handler(None, 0)
    return tuple(map(_summary, rows))


def _sign_some(connection: sqlite3.Connection) -> bool:
    """Sign sessions that have no valid signature, the last ones first; whether there may be more of them."""
    until = time.monotonic() + SIGNING_SECONDS
    unsigned = connection.execute(
        f"SELECT id, session.number, session.touched, title FROM session {_SIGNED} WHERE bits IS NULL "
        "ORDER BY session.touched DESC LIMIT ?",
        (SIGNED_AT_ONCE,),
    ).fetchall()
    for row in unsigned:
        said = connection.execute(
            "SELECT content FROM entry WHERE session = ? AND role IN ('user', 'assistant')", (row["id"],)
        )
        bits = signature([row["title"], *(entry["content"] for entry in said)])
        connection.execute("INSERT OR REPLACE INTO signature VALUES (?, ?, ?)", (row["number"], row["touched"], bits))
        if time.monotonic() > until:
            return True
    return len(unsigned) == SIGNED_AT_ONCE


def _rename(connection: sqlite3.Connection, session: str, title: str) -> None:
    connection.execute("UPDATE session SET title = ? WHERE id = ?", (title, session))
    connection.execute("DELETE FROM signature WHERE number = (SELECT number FROM session WHERE id = ?)", (session,))


def _summary(row: sqlite3.Row) -> SessionSummary:
    return SessionSummary(
        row["id"],
        row["title"],
        row["folder"],
        row["created_at"],
        row["updated_at"],
        row["questions"],
        row["parent"],
        row["parent_seq"],
    )
