"""The tables of `shammah.db`. A step that was released is never changed; what comes later is a further step.

Order is by sequence number, never by a clock. Times are seconds since 1970, for display. `detail` is JSON.
"""

from __future__ import annotations

SESSIONS = (
    """
    CREATE TABLE session (
        id TEXT PRIMARY KEY,
        number INTEGER NOT NULL UNIQUE,     -- the order in which they were begun
        touched INTEGER NOT NULL UNIQUE,    -- the order in which they were last written to
        folder TEXT NOT NULL,
        title TEXT NOT NULL DEFAULT '',
        parent TEXT NOT NULL DEFAULT '',    -- the session that this one was forked from
        parent_seq INTEGER NOT NULL DEFAULT 0,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE entry (
        session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,               -- its place in the session, from 0, without gaps
        turn INTEGER NOT NULL,              -- seq of the question that it belongs to
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        finish_reason TEXT NOT NULL,
        model TEXT NOT NULL,
        route TEXT NOT NULL,
        detail TEXT NOT NULL,               -- tool calls, what was shown, what changed
        created_at REAL NOT NULL,
        PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX session_by_touched ON session(touched DESC)",
)

STEPS: tuple[tuple[str, ...], ...] = (SESSIONS,)
