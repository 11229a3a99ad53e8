"""What becomes of a rating: its rule, a verified rewrite, variants. One after the other, in one process at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shammah_tui.conversation import Message
from shammah_tui.errors import ContextOverflow, RequestError, ShammahError
from shammah_tui.feedback.asking import NAME_RULE, Patient, answer, with_note
from shammah_tui.feedback.language import LANGUAGES
from shammah_tui.files import private_folder
from shammah_tui.journal.secret import masked
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Filter, Rating, RatingStore, State
from shammah_tui.store.rule import Rule, RuleDraft, RuleStore, Verifier
from shammah_tui.store.session import SessionStore
from shammah_tui.store.variant import Variant, VariantStore, identity

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Backend
    from shammah_tui.feedback.variants import Material

NO_MODEL = "It waits for a model that is ready."
HISTORY_SESSIONS = 40
QUESTION_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class RewriteBegun:
    rating: Rating


@dataclass(frozen=True, slots=True)
class VariantMade:
    """So many of a rating's variants are there; a prompt that came to nothing counts for none."""

    rating: Rating
    made: int


@dataclass(frozen=True, slots=True)
class RatingSettled:
    """How it ended for now: `rating.state` and `rating.reason` say it."""

    rating: Rating
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class RuleNamed:
    """The model named the rule of a note that had no usual form."""

    rating: Rating
    rule: Rule


Progress = RewriteBegun | VariantMade | RatingSettled | RuleNamed


class Work:
    """See `service.Feedback`, of which this is the part that asks models."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        *,
        local: Callable[[], Backend | None],
        claude: Callable[[], Backend | None],
    ) -> None:
        self._ratings = RatingStore(database)
        self._rules = RuleStore(database)
        self._variants = VariantStore(database)
        self._sessions = sessions
        self._local, self._claude = local, claude
        self._lock = database.path.with_name("feedback.lock")
        self._free = asyncio.Event()
        self._free.set()

    def pause(self) -> None:
        self._free.clear()

    def resume(self) -> None:
        self._free.set()

    async def name(self, rating: Rating) -> Rule | None:
        """The rule of a rating, at once and without a model; a green one, or one without a note, has none."""
        if rating.rule is not None:
            return await self._rules.get(rating.rule)
        if rating.color == "green" or not rating.note:
            return None
        return await self._rules.adopt(rating.id, await asyncio.to_thread(_draft, rating))

    async def reword(self, identity_of_rule: int, line: str) -> Rule | None:
        """The rule with another line; its checks are proved on an answer that was flagged by it."""
        from shammah_tui.feedback.inference import from_line

        rated = await self._ratings.list(Filter(rule=identity_of_rule), limit=1)
        shot = rated[0].snapshot if rated else None
        answer, language = (shot.answer, shot.language) if shot else ("", "")
        draft = await asyncio.to_thread(from_line, line, answer, language)
        return await self._rules.edit(identity_of_rule, draft)

    async def all_waiting(self) -> AsyncGenerator[Progress, None]:
        """Settle what waits, the oldest first. Raises ShammahError where a model fails; what is done stays done."""
        with _held(self._lock) as ours:
            waiting = await self._ratings.list(Filter(state="waiting")) if ours else ()
            for rating in reversed(waiting):
                if rating.reason == NO_MODEL and self._local() is None and self._claude() is None:
                    continue
                try:
                    async with aclosing(self._settle(rating)) as events:
                        async for event in events:
                            yield event
                except (ContextOverflow, RequestError) as error:
                    # It would be refused each time; the others are not held up by it.
                    yield await self._settled(await self._ratings.get(rating.id) or rating, "unusable", error.message)
                except ShammahError as error:
                    current = await self._ratings.get(rating.id)
                    if current is not None:
                        await self._settled(current, "waiting", error.message)
                    raise

    async def _settle(self, rating: Rating) -> AsyncGenerator[Progress, None]:
        from shammah_tui.feedback.rewrite import NO_RULE, rewrite
        from shammah_tui.feedback.variants import variants

        if rating.color == "green":
            yield await self._settled(rating, "ready")
            return
        rule = await self.name(rating)
        if rule is None and not rating.correction:
            yield await self._settled(rating, "unusable", NO_RULE)
            return
        local, claude = self._patient(self._local()), self._patient(self._claude())
        if rule is not None and not rule.proof and rule.source == "note" and local is not None:
            rule = await self._ask_for_rule(rating, rule, local)
            rating = await self._ratings.get(rating.id) or rating
            yield RuleNamed(rating, rule)
        if not rating.rewrite:
            yield RewriteBegun(rating)
            found = await rewrite(rating, rule, local, claude)
            if not found.text:
                state: State = "unusable" if found.reason else "waiting"
                yield await self._settled(rating, state, found.reason or NO_MODEL)
                return
            rating = replace(rating, rewrite=found.text, rewrite_source=found.source)
        rule = await self._proved(rating, rule)
        if rule is not None and rule.proof == "both":
            if local is None:
                yield await self._settled(rating, "waiting", NO_MODEL)
                return
            made: list[Variant] = []
            async with aclosing(variants(await self._material(rating, rule), local)) as coming:
                async for variant in coming:
                    made += [variant] if variant else []
                    yield VariantMade(rating, len(made))
            await self._variants.replace(rating.id, made)
        yield await self._settled(rating, "ready")

    async def _settled(self, rating: Rating, state: State, reason: str = "") -> RatingSettled:
        await self._ratings.settle(rating, state, reason, rewrite=rating.rewrite, source=rating.rewrite_source)
        now = await self._ratings.get(rating.id) or rating
        return RatingSettled(now, await self._rules.get(now.rule) if now.rule else None)

    async def _ask_for_rule(self, rating: Rating, rule: Rule, local: Backend) -> Rule:
        """What the model names the rule, where that is about the note and can be checked; else it stays as it is."""
        from shammah_tui.feedback.inference import LINE_CHARACTERS_MAX, from_line, is_credible

        shot = rating.snapshot
        asked = with_note(shot.system, shot.messages, shot.answer, rating.note, NAME_RULE)
        said = (await answer(local, asked, temperature=0.0, max_tokens=LINE_CHARACTERS_MAX)).strip()
        if not said or "\n" in said or len(said) > LINE_CHARACTERS_MAX:
            return rule
        draft = await asyncio.to_thread(from_line, said, shot.answer, shot.language, source="model")
        if not is_credible(draft, rating.note, shot.answer):
            return rule
        return await self._rules.edit(rule.id, draft) or rule

    async def _proved(self, rating: Rating, rule: Rule | None) -> Rule | None:
        """The rule with what the rewrite proves of its checks. A correction that fails them is right, not they."""
        from shammah_tui.feedback import verifier

        if rule is None or not rule.proof:
            return rule
        for checks in (rule.verifier, Verifier(forbid=rule.verifier.forbid)):
            if verifier.passes(checks, rule.scope, rating.rewrite):
                await self._rules.prove(rule.id, "both", checks)
                return await self._rules.get(rule.id)
        await self._rules.prove(rule.id, "", Verifier())
        return await self._rules.get(rule.id)

    async def _material(self, rating: Rating, rule: Rule) -> Material:
        from shammah_tui.feedback.variants import Material

        rated = await self._ratings.list(Filter(rule=rule.id))
        others = [variant for variant in await self._variants.list() if variant.rule == rule.id]
        others = [variant for variant in others if variant.rating != rating.id]
        prompts = [(Message("system", each.snapshot.system), *each.snapshot.messages) for each in rated]
        return Material(
            rating,
            rule,
            Counter(variant.kind for variant in others),
            frozenset(identity(messages) for messages in (*prompts, *(variant.messages for variant in others))),
            await self._history(),
        )

    async def _history(self) -> tuple[str, ...]:
        """The first question of each session, without secrets; later ones may not be understood alone."""
        found: list[str] = []
        for summary in await self._sessions.list(limit=HISTORY_SESSIONS):
            stored = await self._sessions.read(summary.id)
            asked = stored.entries[0].message if stored and stored.entries else None
            if asked is not None and asked.role == "user" and len(asked.content) <= QUESTION_CHARACTERS_MAX:
                found.append(masked(asked.content)[0])
        return tuple(dict.fromkeys(found))

    def _patient(self, backend: Backend | None) -> Backend | None:
        return None if backend is None else Patient(backend, self._free)


def _draft(rating: Rating) -> RuleDraft:
    """By the note's form; of a note without one the words themselves, which nothing can check."""
    from shammah_tui.feedback.inference import from_line, infer

    shot = rating.snapshot
    draft = infer(rating.note, shot.answer, shot.language)
    if draft is not None:
        return draft
    shown = LANGUAGES[shot.language].shown if shot.language in LANGUAGES else ""
    line = f"In {shown}: {rating.note}" if shown else rating.note
    return replace(from_line(line, shot.answer, shot.language), source="note")


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Whether this process is the one that works on the ratings of this home."""
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
