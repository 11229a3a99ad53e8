"""Earlier conversations: found by what was said in them, gone on with, given a title."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.store.session import NEWEST, SessionStore, SessionSummary, StoredSession
from shammah_tui.ui import wording
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.plain import first_line, visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.picker import Choice, Picker

LISTED_MAX = 100
# The column of when and where: a title may be long, and is cut.
WHERE_CELLS = 28


class SessionFlow:
    def __init__(self, app: App[None], runtime: RuntimePort, chat: ChatScreen) -> None:
        self._app = app
        self._runtime = runtime
        self._chat = chat

    async def look_for(self, words: str) -> None:
        """Go on with the one whose id begins with `words`; where there is none, or more than one, choose."""
        try:
            runtime = await self._runtime.whole()
            stored = await runtime.sessions.read(words) if words else None
        except ShammahError as error:
            complain(self._app, error)
            return
        await (self.choose(words) if stored is None else self._open(stored))

    async def choose(self, words: str = "") -> None:
        """Look for one, by `words` to begin with, and go on with it."""
        runtime = await self._runtime.whole()

        async def find(words: str) -> Sequence[Choice[str]]:
            found = await runtime.sessions.list(search=words, limit=LISTED_MAX)
            return [_choice(summary) for summary in found if summary.id != runtime.record.session]

        signing = asyncio.ensure_future(self._sign(runtime.sessions))
        try:
            wanted = await self._app.push_screen_wait(
                Picker(
                    find,
                    prompt="Find a conversation by its words",
                    name_cells=WHERE_CELLS,
                    empty="No earlier conversation has these words.",
                    nothing="No earlier conversation yet: each is kept as it goes, and is found here later.",
                    words=words,
                )
            )
        finally:
            signing.cancel()
        if wanted is not None:
            await self.resume(wanted)

    async def _sign(self, sessions: SessionStore) -> None:
        """While the person looks: the next letters are searched faster."""
        try:
            await sessions.sign()
        except ShammahError as error:
            complain(self._app, error)

    async def begin(self, wanted: str) -> None:
        """What the flags of the start say: the newest of this folder, one by the beginning of its id, or a choice."""
        await (self.resume(wanted) if wanted else self.choose())

    async def resume(self, session: str) -> None:
        runtime = await self._runtime.whole()
        try:
            stored = await runtime.sessions.find(session, str(runtime.folder))
        except ShammahError as error:
            complain(self._app, error)
            return
        if stored is None:
            self._chat.flash(
                "There is no conversation in this folder yet: this is the first"
                if session == NEWEST
                else f"There is no conversation {session}, or more than one begins so: /sessions lists them"
            )
            return
        await self._open(stored)

    async def _open(self, stored: StoredSession) -> None:
        folder = self._runtime.folder
        await self._chat.resume(stored)
        if not await asyncio.to_thread(Path(stored.summary.folder).is_dir):
            self._app.notify(
                f"It was held in {visible(stored.summary.folder)}, which is not there any more. Tools work in "
                f"{visible(str(folder))}.",
                severity="warning",
                markup=False,
            )
        elif stored.summary.folder != str(folder):
            self._chat.flash(f"It was held in {stored.summary.folder}; tools work here, in {folder}")

    async def rename(self, title: str) -> None:
        try:
            runtime = await self._runtime.whole()
            if not title or not runtime.record.entries:
                self._chat.flash("/rename takes the new title of a conversation that has begun")
                return
            await runtime.sessions.rename(runtime.record.session, title)
        except ShammahError as error:
            complain(self._app, error)
            return
        self._chat.flash(f"This conversation is now called {title}")


def _choice(summary: SessionSummary) -> Choice[str]:
    where = f"{wording.ago(time.time() - summary.updated_at)} · {Path(summary.folder).name}"
    where = where if len(where) <= WHERE_CELLS else f"{where[: WHERE_CELLS - 1]}…"
    questions = wording.count(summary.questions, "question")
    return Choice(where, f"{first_line(summary.title)}  · {questions}", summary.id)
