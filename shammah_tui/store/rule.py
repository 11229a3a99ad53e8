"""Rules in the database: one line each, where it applies, how an answer is checked, and how often it was kept."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from shammah_tui.store.database import Database
from shammah_tui.store.rating import Color
from shammah_tui.store.text import storable

# `prompt`: stands in the system prompt where it is in scope; `learned`: an adapter has it; `off`: the person's wish.
RuleState = Literal["prompt", "learned", "off"]
RULE_STATES: tuple[RuleState, ...] = ("prompt", "learned", "off")
Source = Literal["note", "model", "person"]
# What the verifier was seen to tell apart: nothing; that the flagged answer fails; that the rewrite passes as well.
Proof = Literal["", "flagged", "both"]

REMOVED = "Its rule was removed."
# "Kept lately" looks at so many answers of a rule.
LATELY = 20


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule applies; an empty field narrows nothing."""

    languages: tuple[str, ...] = ()
    """"python", "rust" …"""
    outside_tests: bool = False
    only_tests: bool = False
    paths: tuple[str, ...] = ()
    """Globs, of which one must fit a file that the request names: "src/api/**"."""


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an answer has or has not. `kind`: "name" (an identifier or dotted name used in the code),
    "construct" (one that `feedback.construct` knows), "code" or "text" (a regular expression on the code without
    comments and strings, or on the whole answer), "prose" (words beside the code; without a value)."""

    kind: Literal["name", "construct", "code", "text", "prose"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """An answer keeps the rule when none of `forbid` is in it; a rewrite must have one of `require` as well."""

    forbid: tuple[Check, ...] = ()
    require: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule that was just inferred. The same line, or the same scope and verifier, is the same rule."""

    line: str
    scope: Scope = Scope()
    verifier: Verifier = Verifier()
    proof: Proof = ""
    source: Source = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    id: int
    line: str
    scope: Scope
    verifier: Verifier
    proof: Proof
    state: RuleState
    adapter: str = ""
    """The adapter that learned it, where the state is `learned`."""
    source: Source = "note"
    color: Color = "yellow"
    """The gravest among its ratings."""
    ratings: int = 0
    newest: int = 0
    """Number of its newest rating."""
    kept: int = 0
    """Of the last `seen` answers in its scope so many kept it."""
    seen: int = 0
    created_at: float = field(default=0.0, compare=False)
    updated_at: float = field(default=0.0, compare=False)


class RuleStore:
    """All raise HomeError where the database cannot be used; nothing is then changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> tuple[Rule, ...]:
        """The most important first: the gravest colour, then most ratings, then the newest."""
        return await self._database.run(lambda connection: _list(connection, "1", ()))

    async def get(self, identity: int) -> Rule | None:
        return await self._database.run(lambda connection: _get(connection, identity))

    async def adopt(self, rating: int, draft: RuleDraft) -> Rule | None:
        """The rule that a rating stands for: an equal one that is there (back in the prompt by that), or a new one.

        None where the rating is gone.
        """
        return await self._database.run(lambda connection: _adopt(connection, rating, draft))

    async def edit(self, identity: int, draft: RuleDraft) -> Rule | None:
        """Give a rule another line, scope and verifier. What was made for training by the old one goes."""
        return await self._database.run(lambda connection: _edit(connection, identity, draft))

    async def prove(self, identity: int, proof: Proof, verifier: Verifier) -> None:
        """Note which checks a rule has and what they were proved on; what was made by it stays."""
        values = (proof, _as_json(verifier), identity)
        await self._database.run(
            lambda connection: connection.execute("UPDATE rule SET proof = ?, verifier = ? WHERE id = ?", values)
        )

    async def put(self, identities: Iterable[int], state: RuleState, *, adapter: str = "") -> int:
        """Set the state of rules (with the adapter that learned them); how many there were."""
        values = [(state, adapter, time.time(), identity) for identity in identities]
        return await self._database.run(
            lambda connection: max(
                connection.executemany(
                    "UPDATE rule SET state = ?, adapter = ?, updated_at = ? WHERE id = ?", values
                ).rowcount,
                0,
            )
        )

    async def forgotten(self, adapter: str) -> int:
        """`adapter` no longer counts: what it learned goes back into the prompt; how many rules that were."""
        return await self._database.run(
            lambda connection: (
                connection.execute(
                    "UPDATE rule SET state = 'prompt', adapter = '' WHERE state = 'learned' AND adapter = ?", (adapter,)
                ).rowcount
            )
        )

    async def remove(self, identity: int) -> bool:
        """Forget a rule; its ratings stay, without use for training until they are changed."""
        return await self._database.run(lambda connection: _remove(connection, identity))

    async def observe(self, session: str, turn: int, kept: dict[int, bool]) -> None:
        """Note for each rule in whose scope an answer was whether it was kept."""
        values = [(rule, session, turn, int(held)) for rule, held in kept.items()]
        await self._database.run(
            lambda connection: connection.executemany(
                "INSERT OR REPLACE INTO observation (rule, session, turn, kept) "
                "SELECT id, ?2, ?3, ?4 FROM rule WHERE id = ?1",
                values,
            )
        )


_SELECT = f"""
    SELECT rule.*,
        (SELECT COUNT(*) FROM rating WHERE rating.rule = rule.id) AS ratings,
        (SELECT COALESCE(MAX(id), 0) FROM rating WHERE rating.rule = rule.id) AS newest,
        (SELECT MAX(CASE color WHEN 'red' THEN 3 WHEN 'yellow' THEN 2 ELSE 1 END) FROM rating
            WHERE rating.rule = rule.id) AS gravity,
        (SELECT COUNT(*) FROM (SELECT 1 FROM observation WHERE observation.rule = rule.id
            ORDER BY id DESC LIMIT {LATELY})) AS seen,
        (SELECT COALESCE(SUM(kept), 0) FROM (SELECT kept FROM observation WHERE observation.rule = rule.id
            ORDER BY id DESC LIMIT {LATELY})) AS kept
    FROM rule
"""
_COLORS: dict[int | None, Color] = {3: "red", 2: "yellow", 1: "green", None: "yellow"}


def _list(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> tuple[Rule, ...]:
    rows = connection.execute(
        f"SELECT * FROM ({_SELECT}) WHERE {where} ORDER BY COALESCE(gravity, 2) DESC, ratings DESC, newest DESC, id",
        values,
    )
    return tuple(map(_rule, rows.fetchall()))


def _get(connection: sqlite3.Connection, identity: int) -> Rule | None:
    found = _list(connection, "id = ?", (identity,))
    return found[0] if found else None


def _adopt(connection: sqlite3.Connection, rating: int, draft: RuleDraft) -> Rule | None:
    if connection.execute("SELECT 1 FROM rating WHERE id = ?", (rating,)).fetchone() is None:
        return None
    now = time.time()
    identity = _same(connection, draft)
    if identity is None:
        identity = connection.execute(
            "INSERT INTO rule (line, scope, verifier, proof, state, source, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, 'prompt', ?, ?, ?)",
            (*_columns(draft), draft.proof, draft.source, now, now),
        ).lastrowid
    else:
        connection.execute(
            "UPDATE rule SET state = 'prompt', adapter = '', proof = CASE proof WHEN '' THEN ? ELSE proof END, "
            "updated_at = ? WHERE id = ?",
            (draft.proof, now, identity),
        )
    connection.execute("UPDATE rating SET rule = ? WHERE id = ?", (identity, rating))
    return _get(connection, int(identity or 0))


def _same(connection: sqlite3.Connection, draft: RuleDraft) -> int | None:
    line, scope, verifier = _columns(draft)
    checks = draft.verifier.forbid or draft.verifier.require
    row = connection.execute(
        "SELECT id FROM rule WHERE lower(line) = lower(?) OR (? AND scope = ? AND verifier = ?) ORDER BY id LIMIT 1",
        (line, bool(checks), scope, verifier),
    ).fetchone()
    return None if row is None else int(row["id"])


def _edit(connection: sqlite3.Connection, identity: int, draft: RuleDraft) -> Rule | None:
    connection.execute(
        # No adapter has learned the new words.
        "UPDATE rule SET line = ?, scope = ?, verifier = ?, proof = ?, source = ?, updated_at = ?, adapter = '', "
        "state = CASE state WHEN 'off' THEN 'off' ELSE 'prompt' END WHERE id = ?",
        (*_columns(draft), draft.proof, draft.source, time.time(), identity),
    )
    _wait_again(connection, identity)
    return _get(connection, identity)


def _remove(connection: sqlite3.Connection, identity: int) -> bool:
    connection.execute(
        "UPDATE rating SET state = 'unusable', reason = ?, updated_at = ? WHERE rule = ?",
        (REMOVED, time.time(), identity),
    )
    return connection.execute("DELETE FROM rule WHERE id = ?", (identity,)).rowcount == 1


def _wait_again(connection: sqlite3.Connection, identity: int) -> None:
    connection.execute("DELETE FROM variant WHERE rule = ?", (identity,))
    connection.execute(
        "UPDATE rating SET state = 'waiting', reason = '', rewrite = '', rewrite_source = '', run = '', updated_at = ? "
        "WHERE rule = ? AND color <> 'green'",
        (time.time(), identity),
    )


def _columns(draft: RuleDraft) -> tuple[str, str, str]:
    return storable(draft.line), _as_json(draft.scope), _as_json(draft.verifier)


def _as_json(value: Scope | Verifier) -> str:
    return json.dumps({key: held for key, held in asdict(value).items() if held}, sort_keys=True)


def _rule(row: sqlite3.Row) -> Rule:
    scope, verifier = json.loads(row["scope"]), json.loads(row["verifier"])
    for name in ("languages", "paths"):
        if name in scope:
            scope[name] = tuple(scope[name])
    return Rule(
        row["id"],
        row["line"],
        Scope(**scope),
        Verifier(**{name: tuple(Check(**check) for check in checks) for name, checks in verifier.items()}),
        cast(Proof, row["proof"]),
        cast(RuleState, row["state"]),
        row["adapter"],
        cast(Source, row["source"]),
        _COLORS[row["gravity"]],
        row["ratings"],
        row["newest"],
        row["kept"],
        row["seen"],
        row["created_at"],
        row["updated_at"],
    )
