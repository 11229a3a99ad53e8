"""Training and adapters as the screen asks for them: rows from the ratings, runs by the engine, adapters at home.

It also does what nobody should have to think of: training begins by itself when enough was rated, what a run taught
leaves the prompt, and an adapter whose answers are rated worse than those before it is taken back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shammah_tui import paths
from shammah_tui.config.settings import Settings
from shammah_tui.errors import EngineError, EngineGone, ShammahError
from shammah_tui.events import Phase
from shammah_tui.feedback.service import Feedback
from shammah_tui.files import write_private
from shammah_tui.runtime.link import EngineLink
from shammah_tui.store.rating import Rating
from shammah_tui.tools.specification import ALL
from shammah_tui.wire import AdapterSummary, RunState, TrainRequest

if TYPE_CHECKING:
    from shammah_tui.backends.engine_client import EngineClient

# An adapter is taken back where its answers are worse with at least this probability.
WORSE_PROBABILITY = 0.9
RATINGS_MIN = 4
_DRAWS = 4000
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LearningStatus:
    """What the person sees beside the conversation: `line` while it trains, `news` once when something ended."""

    line: str = ""
    news: str = ""


class Learning:
    """All raise ShammahError; EngineError where no engine is there to train or to answer."""

    def __init__(self, settings: Settings, link: EngineLink, feedback: Feedback) -> None:
        self._settings = settings
        self._link = link
        self._feedback = feedback
        self._listeners: set[asyncio.Queue[LearningStatus]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.active = ""
        """The adapter that answers; empty for the model as it came."""

    # What a person asks for

    async def runs(self) -> Sequence[RunState]:
        """The newest first."""
        return (await self._engine().runs()).runs

    async def follow(self, run: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """The run's events from its start; ends with the run."""
        async with aclosing(self._engine().training(run)) as events:
            async for event in events:
                yield event

    async def train(self, *, automatic: bool = False) -> str:
        """Begin a run on what was rated and has a verified rewrite; its id."""
        engine = self._engine()
        run = f"run-{datetime.now():%Y%m%d-%H%M%S}"
        await self._feedback.snapshot(run, ALL)
        state = await engine.train(TrainRequest(run=run, automatic=automatic))
        self._wanted.set()
        return state.run

    async def cancel(self) -> None:
        await self._engine().cancel_training()

    async def adapters(self) -> Sequence[AdapterSummary]:
        """The newest first."""
        report = await self._engine().adapters()
        self.active = report.active.name or ""
        return report.adapters

    async def use(self, name: str, scale: float = 1.0) -> None:
        """Answer with this adapter from now on; with none where `name` is empty.

        What another one had learned goes with it: whoever takes an adapter away wants to see the model without. Those
        rules are still listed, and can be put into the prompt again.
        """
        await self._engine().use_adapter(name or None, scale)
        self.active = name
        rows = paths.home() / "runs" / name / "rows.jsonl"
        is_ours = await asyncio.to_thread(rows.is_file)
        if name and is_ours:
            await self._feedback.finished(name, adapter=name)

    async def roll_back(self) -> str:
        """Go back to the adapter before the one that answers; its name, empty for the model as it came."""
        names = [adapter.name for adapter in await self.adapters() if adapter.fits]
        older = names[names.index(self.active) + 1 :] if self.active in names else []
        before = older[0] if older else ""
        await self.use(before)
        return before

    # By itself

    def start(self) -> None:
        """Watch the runs, and begin one when enough was rated."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="learning")

    def wake(self) -> None:
        """A rating came, or is ready to be learned."""
        self._wanted.set()

    async def statuses(self) -> AsyncGenerator[LearningStatus, None]:
        """What to show, from now on."""
        queue: asyncio.Queue[LearningStatus] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})

    async def judge(self) -> str:
        """Take back an adapter whose answers are rated worse; why, in words, empty where it stays."""
        if not self.active:
            return ""
        rated = [rating for rating in await self._feedback.ratings.list() if rating.snapshot.route == "local"]
        ours = [rating for rating in rated if rating.snapshot.adapter.partition("@")[0] == self.active]
        others = [rating for rating in rated if rating not in ours]
        worse = probability_of_more_reds(ours, others)
        if len(ours) < RATINGS_MIN or worse <= WORSE_PROBABILITY:
            return ""
        name = self.active
        before = await self.roll_back()
        # Nobody asked for this: what the person wanted holds on, by the prompt.
        await self._feedback.rules.forgotten(name)
        reds = sum(rating.color == "red" for rating in ours)
        return (
            f"{name} was taken back: {reds} of {len(ours)} ratings of its answers are red, more than before with "
            f"probability {worse:.0%}. {before or 'The model as it came'} answers again."
        )

    async def _watch(self) -> None:
        relaying = asyncio.create_task(self._relay_feedback())
        try:
            while True:
                self._wanted.clear()
                try:
                    await self._round()
                except (EngineError, EngineGone):
                    # There is none to ask just now: it is asked again.
                    pass
                except ShammahError as error:
                    self._tell(LearningStatus(news=error.message))
                try:
                    await asyncio.wait_for(self._wanted.wait(), _RETRY_SECONDS)
                except TimeoutError:
                    continue
        finally:
            relaying.cancel()
            await asyncio.wait({relaying})

    async def _relay_feedback(self) -> None:
        async with aclosing(self._feedback.events()) as events:
            async for _ in events:
                self.wake()

    async def _round(self) -> None:
        """Look once: at runs that ended, at the one that trains, at what was rated."""
        if self._link.state.phase is not Phase.READY or self._link.engine is None:
            return
        await self.adapters()
        report = await self._engine().runs()
        for run in report.runs:
            if run.status != "running":
                await self._settle(run)
        if report.active is not None:
            await self._accompany(report.active.run)
            return
        if news := await self.judge():
            self._tell(LearningStatus(news=news))
        lora = self._settings.lora
        buffer = await self._feedback.buffer()
        if lora.auto_train and buffer.new_ready >= lora.auto_train_threshold:
            try:
                await self.train(automatic=True)
            except ShammahError as error:
                # Nothing new to learn, or no memory for it: the screen says so to whoever asks for a training.
                self._tell(LearningStatus(news=f"Training did not begin by itself: {error.message}"))
                lora_off = self._settings.lora.model_copy(update={"auto_train": False})
                self._settings = self._settings.model_copy(update={"lora": lora_off})

    async def _accompany(self, run: str) -> None:
        """Say how far a run is, until its end."""
        async with aclosing(self._engine().training(run)) as events:
            async for event in events:
                if event.get("event") == "StepReported":
                    self._tell(LearningStatus(f"training {event['step']}/{event['steps']}"))
                elif event.get("event") == "PhaseStarted":
                    self._tell(LearningStatus(f"learning: {event['phase']}"))
        self._tell(LearningStatus())
        self._wanted.set()

    async def _settle(self, run: RunState) -> None:
        """What a run's end means for ratings and rules: once, whoever was there when it ended."""
        folder = paths.home() / "runs" / run.run
        mark = folder / "settled"
        rows = folder / "rows.jsonl"
        if not await asyncio.to_thread(rows.is_file) or await asyncio.to_thread(mark.is_file):
            return
        adapter = run.adapter if run.status == "accepted" else ""
        if run.status in ("accepted", "refused"):
            await self._feedback.finished(run.run, adapter=adapter)
        await asyncio.to_thread(write_private, mark, b"")
        words = {
            "accepted": f"The model has learned: {adapter} answers from now on. F4 shows how it was measured.",
            "refused": "The training was refused by the gate; the model stays as it was. F4 says why.",
            "failed": f"The training failed: {run.message}",
        }
        if run.status in words:
            self._tell(LearningStatus(news=words[run.status]))

    def _tell(self, status: LearningStatus) -> None:
        for queue in self._listeners:
            queue.put_nowait(status)

    def _engine(self) -> EngineClient:
        engine = self._link.engine
        if engine is None:
            raise EngineError("No engine is there just now.", "It is being started; F3 tells how far it is.")
        return engine  # type: ignore[return-value]


def probability_of_more_reds(
    ours: Sequence[Rating], others: Sequence[Rating], chance: Callable[[], random.Random] = lambda: random.Random(0)
) -> float:
    """How likely the share of reds among `ours` is above that among `others`: Beta posteriors with a uniform prior."""
    draw = chance()

    def shares(rated: Sequence[Rating]) -> tuple[float, float]:
        reds = sum(rating.color == "red" for rating in rated)
        return 1.0 + reds, 1.0 + len(rated) - reds

    (a, b), (c, d) = shares(ours), shares(others)
    return sum(draw.betavariate(a, b) > draw.betavariate(c, d) for _ in range(_DRAWS)) / _DRAWS
