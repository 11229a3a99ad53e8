"""Keeps a turn on disk while it is said: the question and each step at once, a growing answer each second.

A very long answer, which is written whole each time, is written less often: writing takes a small share of the time.
"""

from __future__ import annotations

import time

from shammah_tui.agent.draft import Draft, Record
from shammah_tui.conversation import Entry
from shammah_tui.errors import HomeError
from shammah_tui.store.session import SessionStore

SECONDS, SECONDS_MAX = 1.0, 10.0
# What a write took is waited this many times before the next: two percent of the time.
REST_FACTOR = 50


class Journal:
    """Of one turn. `trouble` says why it could not be kept, empty where it was; the turn itself goes on.

    Without a `store` nothing is kept.
    """

    def __init__(self, store: SessionStore | None, folder: str, draft: Draft) -> None:
        self.trouble = ""
        self._store = store
        self._folder = folder
        self._draft = draft
        self._kept = 0
        self._rest_until = 0.0

    async def keep(self) -> None:
        """Write what is new; what is still growing only now and then."""
        settled = self._draft.settled
        began = time.monotonic()
        if settled == self._kept and began < self._rest_until:
            return
        # A crash from here on leaves an answer that is marked as cut.
        await self._write(self._draft.entries("lost")[self._kept :])
        now = time.monotonic()
        self._kept, self._rest_until = settled, now + min(SECONDS_MAX, max(SECONDS, REST_FACTOR * (now - began)))

    async def close(self, record: Record) -> None:
        """Write the turn as it became part of `record`; one that nothing was said to is taken out again."""
        if len(record.entries) <= self._draft.turn:
            self._kept = 0
        await self._write(record.entries[self._draft.turn + self._kept :])

    async def _write(self, entries: tuple[Entry, ...]) -> None:
        if self._store is None:
            return
        session, first = self._draft.record.session, self._draft.turn + self._kept
        try:
            await self._store.write(session, self._folder, first, entries, self._draft.turn)
        except HomeError as error:
            self.trouble = error.message
