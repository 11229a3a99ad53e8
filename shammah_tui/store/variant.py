"""Prompts that were made from a rating for training, with their verified answers: what the rows are built from."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from shammah_tui.conversation import Message
from shammah_tui.store.database import Database
from shammah_tui.store.prompt import messages_from_json, messages_to_json
from shammah_tui.store.text import storable

Kind = Literal["in_scope", "heldout", "near_scope", "out_of_scope"]


@dataclass(frozen=True, slots=True)
class Variant:
    rating: int
    rule: int
    kind: Kind
    messages: tuple[Message, ...]
    """The whole prompt, its system prompt first, without rules."""
    chosen: str
    """Empty where the model's own answer is wanted."""
    source: str
    """Where prompt and answer come from, in words."""
    created_at: float = 0.0


class VariantStore:
    """All raise HomeError where the database cannot be used; nothing is then changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, rating: int, variants: Sequence[Variant]) -> None:
        """These, in place of all that was made from the rating. A prompt counts once for each rule."""
        await self._database.run(lambda connection: _replace(connection, rating, variants))

    async def list(self) -> tuple[Variant, ...]:
        """In the order in which they were made."""
        return await self._database.run(lambda connection: tuple(map(_variant, connection.execute(_ALL).fetchall())))


_ALL = "SELECT * FROM variant ORDER BY id"


def identity(messages: Iterable[Message]) -> str:
    """The same for the same prompt."""
    return hashlib.sha256(messages_to_json(messages).encode()).hexdigest()


def _replace(connection: sqlite3.Connection, rating: int, variants: Sequence[Variant]) -> None:
    connection.execute("DELETE FROM variant WHERE rating = ?", (rating,))
    if connection.execute("SELECT 1 FROM rating WHERE id = ?", (rating,)).fetchone() is None:
        return
    connection.executemany(
        "INSERT OR IGNORE INTO variant (rating, rule, kind, messages, chosen, source, identity, created_at) "
        "SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8 FROM rule WHERE id = ?2",
        [
            (
                rating,
                variant.rule,
                variant.kind,
                messages_to_json(variant.messages),
                storable(variant.chosen),
                variant.source,
                identity(variant.messages),
                time.time(),
            )
            for variant in variants
        ],
    )


def _variant(row: sqlite3.Row) -> Variant:
    return Variant(
        row["rating"],
        row["rule"],
        cast(Kind, row["kind"]),
        messages_from_json(row["messages"]),
        row["chosen"],
        row["source"],
        row["created_at"],
    )
