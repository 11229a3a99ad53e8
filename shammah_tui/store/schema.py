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

FEEDBACK = (
    """
    CREATE TABLE rule (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        line TEXT NOT NULL,                 -- what stands in the prompt
        scope TEXT NOT NULL,                -- JSON: where it applies
        verifier TEXT NOT NULL,             -- JSON: the checks that tell whether an answer keeps it
        proof TEXT NOT NULL,                -- what the verifier was proved on
        state TEXT NOT NULL,                -- prompt, learned or off
        adapter TEXT NOT NULL DEFAULT '',   -- the one that learned it
        source TEXT NOT NULL,               -- who worded it: note, model or person
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE rating (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session TEXT NOT NULL,              -- no reference: a rating outlives its session; empty where imported
        turn INTEGER NOT NULL,
        color TEXT NOT NULL,
        note TEXT NOT NULL,
        correction TEXT NOT NULL,
        system TEXT NOT NULL,               -- the system prompt without the rules
        messages TEXT NOT NULL,             -- JSON: what was said before the answer
        answer TEXT NOT NULL,
        detail TEXT NOT NULL,               -- JSON: model, adapter, route, folder, language, paths, masked
        rule INTEGER REFERENCES rule(id) ON DELETE SET NULL,
        state TEXT NOT NULL,                -- waiting, ready or unusable (for training)
        reason TEXT NOT NULL DEFAULT '',
        rewrite TEXT NOT NULL DEFAULT '',
        rewrite_source TEXT NOT NULL DEFAULT '',
        run TEXT NOT NULL DEFAULT '',       -- the last training run that it was part of
        previous TEXT NOT NULL DEFAULT '',  -- JSON: what the last change replaced, for undo
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX rating_of_turn ON rating(session, turn) WHERE session <> ''",
    """
    CREATE TABLE variant (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        rating INTEGER NOT NULL REFERENCES rating(id) ON DELETE CASCADE,
        rule INTEGER NOT NULL REFERENCES rule(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,                 -- in_scope, heldout, near_scope or out_of_scope
        messages TEXT NOT NULL,             -- JSON: the whole prompt, its system prompt first
        chosen TEXT NOT NULL,
        source TEXT NOT NULL,               -- where prompt and answer come from
        identity TEXT NOT NULL,
        created_at REAL NOT NULL,
        UNIQUE (rule, identity)
    ) STRICT
    """,
    """
    CREATE TABLE observation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        rule INTEGER NOT NULL REFERENCES rule(id) ON DELETE CASCADE,
        session TEXT NOT NULL,
        turn INTEGER NOT NULL,
        kept INTEGER NOT NULL,              -- whether that answer, in the rule's scope, kept it
        UNIQUE (rule, session, turn)
    ) STRICT
    """,
)

SEARCH = (
    """
    CREATE TABLE signature (
        number INTEGER PRIMARY KEY REFERENCES session(number) ON DELETE CASCADE,
        touched INTEGER NOT NULL,           -- as the session's was; where that is another by now, this says nothing
        bits BLOB NOT NULL                  -- see store.signature
    ) STRICT
    """,
)

STEPS: tuple[tuple[str, ...], ...] = (SESSIONS, FEEDBACK, SEARCH)
