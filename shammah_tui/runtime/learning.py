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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shammah_tui import paths
from shammah_tui.config.settings import Settings
from shammah_tui.errors import EngineError, EngineGone, ShammahError
from shammah_tui.events import Phase
from shammah_tui.feedback.service import Feedback
from shammah_tui.files import write_private
from shammah_tui.runtime.adapter_choice import OFF
from shammah_tui.runtime.adapter_chooser import Chooser
from shammah_tui.runtime.adapter_memory import Choices, Memory, Worse
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
    kept: bool = False
    """The news stays readable: something was decided that the person may want to undo."""


class Learning:
    """All raise ShammahError; EngineError where no engine is there to train or to answer."""

    def __init__(self, settings: Settings, link: EngineLink, feedback: Feedback, root: Path) -> None:
        self._settings = settings
        self._link = link
        self._feedback = feedback
        self._listeners: set[asyncio.Queue[LearningStatus]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.active = ""
        """The adapter that answers where nothing else is chosen; empty for the model as it came."""
        self.adapter_choice = Chooser(link, Memory(paths.adapters_folder(settings.lora.adapters_dir)), root)
        self._by_person = False
        self._line = ""
        self._warned: set[str] = set()

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
        self._by_person = report.active.by == "person"
        return report.adapters

    async def choices(self) -> Choices:
        """What is remembered of adapters: projects' own, those taken back."""
        return await asyncio.to_thread(self.adapter_choice.memory.read)

    async def choose(self, name: str | None) -> None:
        """`name` (or `OFF`) answers until the program ends; None leaves the choice to Shammah again: also where the
        home's adapter was put into use by the person. Raises ShammahError where there is none of that name."""
        if name is None:
            active = (await self._engine().adapters()).active
            await self._engine().use_adapter(active.name, active.scale, by="program")
        elif name != OFF:
            await self._check(name)
            await asyncio.to_thread(self.adapter_choice.memory.take_again, name)
        self.adapter_choice.want(name)
        self._tell()

    async def choose_for_project(self, name: str | None) -> None:
        """`name` (or `OFF`) answers in this project from now on; None: no longer. Raises ShammahError."""
        if name is not None and name != OFF:
            await self._check(name)
        await asyncio.to_thread(self.adapter_choice.memory.set_project, self.adapter_choice.root, name)
        self.adapter_choice.want(None)
        self._tell()

    async def _check(self, name: str) -> None:
        adapters = await self.adapters()
        found = next((adapter for adapter in adapters if adapter.name == name), None)
        if found is None:
            known = ", ".join(adapter.name for adapter in adapters)
            raise ShammahError(f'There is no adapter "{name}".', f"There are: {known}." if known else "There is none.")
        if found.problem or not found.fits:
            raise ShammahError(found.problem or f"{name} was made for another model ({found.base}).")

    async def use(self, name: str, scale: float = 1.0) -> None:
        """Answer with this adapter from now on, as the person wishes; with none where `name` is empty.

        What another one had learned goes with it: whoever takes an adapter away wants to see the model without. Those
        rules are still listed, and can be put into the prompt again.
        """
        await self._engine().use_adapter(name or None, scale)
        if name:
            await asyncio.to_thread(self.adapter_choice.memory.take_again, name)
        # The latest wish counts, also where the session or the project had another.
        self.adapter_choice.want(name or OFF)
        await self._in_use(name)

    async def _in_use(self, name: str) -> None:
        self.active = name
        self._tell()
        rows = paths.home() / "runs" / name / "rows.jsonl"
        is_ours = await asyncio.to_thread(rows.is_file)
        if name and is_ours:
            await self._feedback.finished(name, adapter=name)

    async def roll_back(self) -> str:
        """Go back to the adapter before the one that answers; its name, empty for the model as it came. Raises
        ShammahError where the model answers as it came."""
        before = await self._before()
        if not self.active:
            raise ShammahError("No adapter answers, so there is nothing to roll back.")
        await self.use(before)
        return before

    async def _before(self) -> str:
        names = [adapter.name for adapter in await self.adapters() if adapter.fits]
        older = names[names.index(self.active) + 1 :] if self.active in names else []
        back = (await self.choices()).taken_back
        return next((name for name in older if name not in back or back[name].again), "")

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

    async def judge(self) -> LearningStatus | None:
        """Take back an adapter whose answers are rated worse, and say so; None where it stays. One that the person
        chose stays as well: then it is only said, once."""
        wish = self.adapter_choice.session
        name = self.active if wish is None else wish
        if not name or name == OFF:
            return None
        told = (await self.choices()).taken_back.get(name)
        since = told.newest_rating if told is not None else 0
        rated = [rating for rating in await self._feedback.ratings.list() if rating.snapshot.route == "local"]
        made_by_it = [rating for rating in rated if rating.snapshot.adapter.partition("@")[0] == name]
        ours = [rating for rating in made_by_it if rating.id > since]
        others = [rating for rating in rated if rating not in made_by_it]
        probability = probability_of_more_reds(ours, others)
        if len(ours) < RATINGS_MIN or probability <= WORSE_PROBABILITY:
            return None
        worse = Worse(_reds(ours), len(ours), _reds(others), len(others), probability)
        if self._by_person or wish == name:
            if name in self._warned:
                return None
            self._warned.add(name)
            said = f"{name} is rated worse than before: {worse}. You chose it, so it stays; /adapter takes another."
            return LearningStatus(self._line, said, kept=True)
        before = await self._before()
        await self._engine().use_adapter(before or None, by="program")
        await asyncio.to_thread(self.adapter_choice.memory.take_back, name, worse, max(rating.id for rating in ours))
        await self._in_use(before)
        # Nobody asked for this: what the person wanted holds on, by the prompt.
        await self._feedback.rules.forgotten(name)
        said = (
            f"{name} was taken back: {worse}. {before or 'The model as it came'} answers again, and its rules are back "
            f"in the prompt. To undo it: /adapter {name}."
        )
        return LearningStatus(self._line, said, kept=True)

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
                    async with asyncio.timeout(_RETRY_SECONDS):
                        await self._wanted.wait()
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
        if (judged := await self.judge()) is not None:
            self._tell(judged)
        lora = self._settings.lora
        buffer = await self._feedback.buffer()
        if lora.auto_train and buffer.new_ready >= lora.auto_train_threshold:
            try:
                await self.train(automatic=True)
            except EngineGone:
                raise
            except ShammahError as error:
                if (await self._engine().runs()).active is not None:
                    # Another session was faster.
                    return
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
        if adapter and not run.automatic:
            # Whoever trains by hand wants to see what came of it.
            self.adapter_choice.want(None)
        if run.status in ("accepted", "refused"):
            await self._feedback.finished(run.run, adapter=adapter)
        await asyncio.to_thread(write_private, mark, b"")
        words = {
            "accepted": f"The model has learned: {self._answering(adapter)} /learning shows how it was measured.",
            "refused": "The training was refused by the gate; the model stays as it was. /learning says why.",
            "failed": f"The training failed: {run.message}",
        }
        if run.status in words:
            self._tell(LearningStatus(news=words[run.status]))

    def _answering(self, adapter: str) -> str:
        wish = self.adapter_choice.session
        if wish is None:
            return f"{adapter} answers from now on."
        return f"{adapter} is ready; /adapter auto lets it answer, for you chose {wish}."

    def _tell(self, status: LearningStatus | None = None) -> None:
        """Nothing new to say still has the screen look at which adapter answers."""
        status = status or LearningStatus(self._line)
        self._line = status.line
        for queue in self._listeners:
            queue.put_nowait(status)

    def _engine(self) -> EngineClient:
        engine = self._link.engine
        if engine is None:
            raise EngineError("No engine is there just now.", "It is being started; /model tells how far it is.")
        return engine  # type: ignore[return-value]


def _reds(rated: Sequence[Rating]) -> int:
    return sum(rating.color == "red" for rating in rated)


def probability_of_more_reds(
    ours: Sequence[Rating], others: Sequence[Rating], chance: Callable[[], random.Random] = lambda: random.Random(0)
) -> float:
    """How likely the share of reds among `ours` is above that among `others`: Beta posteriors with a uniform prior."""
    draw = chance()

    def shares(rated: Sequence[Rating]) -> tuple[float, float]:
        reds = _reds(rated)
        return 1.0 + reds, 1.0 + len(rated) - reds

    (a, b), (c, d) = shares(ours), shares(others)
    return sum(draw.betavariate(a, b) > draw.betavariate(c, d) for _ in range(_DRAWS)) / _DRAWS
