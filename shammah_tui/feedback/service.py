"""Ratings as the rest of the client sees them: give one, take it back, and what comes of it in the background.

    feedback = Feedback(database, sessions, local=lambda: backend_or_none)
    feedback.start()
    rated = await feedback.rate(session, turn, "red", "use logging instead of print")
    rules = await feedback.rules_for(scope.request("Write a Python function …", history))     # for the system prompt
    async for event in feedback.events(): …
    await feedback.close()

A rating that `rate` returned is on the disk, and so is its rule, which holds from the next question on. Rewrites and
rows for training need a model: they are made in the background (`work`), and taken up again after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shammah_tui.errors import ShammahError
from shammah_tui.feedback.scope import Request, concerning, in_scope
from shammah_tui.feedback.secret import without_secrets
from shammah_tui.feedback.snapshot import snapshot
from shammah_tui.feedback.work import Progress, Work
from shammah_tui.files import private_folder, write_private
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Buffer, Color, Rating, RatingStore
from shammah_tui.store.rule import Rule, RuleStore
from shammah_tui.store.session import SessionStore

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Backend
    from shammah_tui.conversation import ToolSpec
    from shammah_tui.feedback.rows import Built

Pick = Callable[[], "Backend | None"]


RETRY_SECONDS = 20.0


def nobody() -> Backend | None:
    return None


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rating became at once; `rule` is None where it has none (yet)."""

    rating: Rating
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class Taken:
    added: tuple[Rating, ...]
    repeated: int
    """How many were here already."""


class Feedback:
    """All methods raise HomeError where the database cannot be used; nothing was then acknowledged.

    `local` and `claude` give the backend that may be asked at that moment, or None: no model is ready, or sending is
    not allowed. The local one is the base without any adapter: a training starts from that.
    """

    def __init__(
        self,
        database: Database,
        sessions: SessionStore | None = None,
        *,
        local: Pick = nobody,
        claude: Pick = nobody,
    ) -> None:
        self.ratings = RatingStore(database)
        self.rules = RuleStore(database)
        self._database = database
        self._sessions = sessions or SessionStore(database)
        self._work = Work(database, self._sessions, local=local, claude=claude)
        self._worker: asyncio.Task[None] | None = None
        self._listeners: set[asyncio.Queue[Progress | None]] = set()
        self._wanted = asyncio.Event()
        self._closed = False

    # Rating

    async def rate(
        self, session: str, turn: int, color: Color, note: str = "", correction: str = "", *, system: str = ""
    ) -> Rated:
        """Rate the answer of a turn, whose number is its question's sequence number; changes the rating that it has.

        `system`: the system prompt as sent, without the rules. Raises ShammahError where there is no such answer.
        """
        stored = await self._sessions.read(session)
        if stored is None:
            raise ShammahError(f'There is no session "{session}".', "`shammah feedback list` shows what was rated.")
        shot = await asyncio.to_thread(snapshot, stored, turn, system)
        return await self.add(Rating(0, color, shot, note.strip(), correction.strip()))

    async def add(self, rating: Rating) -> Rated:
        """Keep a rating with its own snapshot. Secrets in it are masked first; `rating.masked` tells which."""
        return await self._named(await self.ratings.add(without_secrets(rating)))

    async def take(self, ratings: Sequence[Rating]) -> Taken:
        """Keep many ratings, of a file say. One that is here already is left as it is, also where it says otherwise."""
        known = await self.ratings.list()
        there = {_identity(rating) for rating in known}
        answers = {(rating.snapshot.session, rating.snapshot.turn) for rating in known if rating.snapshot.session}
        fresh: list[Rating] = []
        for rating in map(without_secrets, ratings):
            place = (rating.snapshot.session, rating.snapshot.turn)
            if _identity(rating) in there or place in answers:
                continue
            there.add(_identity(rating))
            if rating.snapshot.session:
                answers.add(place)
            fresh.append(rating)
        added = await self.ratings.add_all(fresh)
        for rating in added:
            await self._named(rating)
        return Taken(added, len(ratings) - len(added))

    async def edit(
        self, identity: int, *, color: Color | None = None, note: str | None = None, correction: str | None = None
    ) -> Rated | None:
        """Change a rating; None where there is none of that number."""
        known = await self.ratings.get(identity)
        if known is None:
            return None
        clean = without_secrets(Rating(identity, known.color, known.snapshot, note or "", correction or ""))
        changed = await self.ratings.edit(
            identity,
            color=color,
            note=None if note is None else clean.note.strip(),
            correction=None if correction is None else clean.correction.strip(),
        )
        return None if changed is None else await self._named(changed)

    async def undo(self, identity: int) -> Rating | None:
        """Take back what was done last to a rating: a change of it, or the rating itself (then None)."""
        before = await self.ratings.undo(identity)
        if before is not None:
            await self._named(before)
        return before

    async def remove(self, identity: int) -> bool:
        """Forget a rating, and with it what was made from it; it is gone from the next training run."""
        return await self.ratings.remove((identity,)) == 1

    async def ratings_of(self, session: str) -> dict[int, Rating]:
        """The ratings of a session by turn."""
        return await self.ratings.of_session(session)

    async def buffer(self) -> Buffer:
        """What the next training run would find, and what waits for what."""
        return await self.ratings.buffer()

    # Rules

    async def rules_for(self, request: Request) -> tuple[Rule, ...]:
        """The rules that belong into the system prompt of a question, most important first; see `scope.request`."""
        return in_scope(await self.rules.list(), request)

    async def rules_about(self, request: Request) -> tuple[Rule, ...]:
        """Those and the learned ones: what the answer can be held against."""
        return concerning(await self.rules.list(), request)

    async def edit_rule(self, identity: int, line: str) -> Rule | None:
        """Give a rule the person's words; scope and checks are read from them. None: there is none of that number."""
        rule = await self._work.reword(identity, line)
        self.wake()
        return rule

    async def observe(self, session: str, turn: int, answer: str, rules: Sequence[Rule]) -> dict[int, bool]:
        """Note which of the rules in whose scope an answer was it kept; rules that it does not touch are left out."""
        from shammah_tui.feedback import verifier

        def judge() -> dict[int, bool]:
            found = {rule.id: verifier.keeps(rule.verifier, rule.scope, answer) for rule in rules}
            return {identity: kept for identity, kept in found.items() if kept is not None}

        kept = await asyncio.to_thread(judge)
        if kept:
            await self.rules.observe(session, turn, kept)
        return kept

    # Training

    async def snapshot(self, run: str, tools: Sequence[ToolSpec] = ()) -> tuple[Path, Built]:
        """Freeze what is ready for the training run `run`: `<home>/runs/<run>/rows.jsonl`, and what is in it.

        `tools` are those that inference offers with the prompts. Raises ShammahError where there is nothing to learn.
        """
        from shammah_tui.feedback import rows

        built = await rows.build(self._database)
        if not built.teaches:
            raise ShammahError(
                "There is nothing to learn yet: no rating has a verified rewrite.", "`shammah feedback` says why."
            )
        file = self._rows_file(run)
        await asyncio.to_thread(freeze, file, rows.as_jsonl(built.rows, tools))
        return file, built

    async def finished(self, run: str, *, adapter: str = "") -> tuple[int, ...]:
        """The run is over: its ratings are no longer new. With `adapter`, which the gate accepted, its rules are
        learned and leave the prompt, but for those that were edited or flagged since. Numbers of the learned ones.

        Goes by the run's own snapshot, so that it may be told by whoever sees the end, also after a restart.
        """
        from shammah_tui.feedback.rows import provenance_in

        frozen = await asyncio.to_thread(provenance_in, self._rows_file(run))
        await self.ratings.trained(run, frozen.ratings, frozen.made_at)
        if not adapter:
            return ()
        later = {rating.rule for rating in await self.ratings.list() if rating.updated_at > frozen.made_at}
        learned = [
            rule.id
            for rule in await self.rules.list()
            if (rule.id, rule.line) in frozen.rules and rule.state != "off" and rule.id not in later
        ]
        await self.rules.put(learned, "learned", adapter=adapter)
        return tuple(learned)

    def _rows_file(self, run: str) -> Path:
        return self._database.path.parent / "runs" / run / "rows.jsonl"

    # In the background

    def start(self) -> None:
        """Begin to make rewrites and rows of what waits for them, also of what an earlier session left behind."""
        if self._worker is None:
            self._worker = asyncio.create_task(self._run(), name="feedback")

    def wake(self) -> None:
        """There may be something to do: a rating came, or a model became ready."""
        self._wanted.set()

    def pause(self) -> None:
        """Ask no model from now on: the person's own turn comes first. What was being asked is asked again later."""
        self._work.pause()

    def resume(self) -> None:
        self._work.resume()

    async def events(self) -> AsyncGenerator[Progress, None]:
        """What happens in the background, from now on."""
        queue: asyncio.Queue[Progress | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while not self._closed and (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        """End the work in the background; what is not done is done next time."""
        self._closed = True
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            await asyncio.wait({worker})
        for queue in self._listeners:
            queue.put_nowait(None)

    async def work(self) -> AsyncGenerator[Progress, None]:
        """Make rewrites and rows of all that waits, once, and tell how it goes. For whoever has no background."""
        async for event in self._work.all_waiting():
            yield event

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            with suppress(ShammahError):
                # It is told by the rating's own reason, and tried again.
                async for event in self._work.all_waiting():
                    for queue in self._listeners:
                        queue.put_nowait(event)
            # Without a word a model may become ready, and another process may rate, or end its own work on ratings.
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._wanted.wait()

    async def _named(self, rating: Rating) -> Rated:
        rule = await self._work.name(rating)
        self.wake()
        return Rated(await self.ratings.get(rating.id) or rating, rule)


def freeze(file: Path, data: bytes) -> None:
    """The rows of a run: all of them, or no file."""
    private_folder(file.parent)
    write_private(file, data)


def _identity(rating: Rating) -> tuple[object, ...]:
    """Two ratings that agree in this say the same."""
    shot = rating.snapshot
    return (shot.messages, shot.system, shot.answer, rating.color, rating.note, rating.correction)
