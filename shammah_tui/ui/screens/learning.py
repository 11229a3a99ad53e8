"""F4: what was rated, the rules, the run that trains or trained last, all runs and adapters. A page each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from typing import Literal, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from shammah_tui import paths
from shammah_tui.errors import ShammahError
from shammah_tui.feedback.service import Feedback
from shammah_tui.runtime.adapter_memory import Choices
from shammah_tui.store.rating import Rating
from shammah_tui.store.rule import Rule, RuleState
from shammah_tui.ui import keys
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.learning import pages
from shammah_tui.ui.learning.chart import Charts
from shammah_tui.ui.learning.port import LearningPort
from shammah_tui.ui.learning.run_view import RunView
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.editing import EditLine
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints
from shammah_tui.wire import AdapterSummary, RunState

T = TypeVar("T")
PageName = Literal["run", "rules", "ratings", "runs", "adapters"]
PAGES: dict[PageName, str] = {
    "run": "Training",
    "rules": "Rules",
    "ratings": "Ratings",
    "runs": "Runs",
    "adapters": "Adapters",
}
# What is done only there.
PAGES_OF: dict[str, tuple[PageName, ...]] = {
    "edit": ("rules", "ratings"),
    "remove": ("ratings",),
    "use": ("adapters", "runs"),
    "off": ("rules", "adapters"),
    "roll_back": ("adapters", "run"),
}
DRAWS_PER_SECOND = 4
# A lower screen shows the same as sparklines.
CHARTS_FROM_LINES = 30
LISTED_MAX = 200
# What stands beside the text: the padding of the page, and a scroll bar.
MARGIN_CELLS = 8
# Between two readings, however much happens.
LOAD_REST_SECONDS = 0.25


class LearningScreen(Screen[None], inherit_bindings=False):
    CSS_PATH = paths.styles_folder() / "learning.tcss"
    BINDINGS = keys.bindings("learning")

    def __init__(self, runtime: RuntimePort) -> None:
        super().__init__()
        self._runtime = runtime
        self._page: PageName = "run"
        self._chosen: dict[PageName, int] = dict.fromkeys(PAGES, 0)
        self._rules: Sequence[Rule] = ()
        self._ratings: Sequence[Rating] = ()
        self._runs: Sequence[RunState] = ()
        self._adapters: Sequence[AdapterSummary] = ()
        self._buffer = Content("")
        self._waiting: list[Content] = []
        self._run = RunView()
        self._followed = ""
        self._newest = ""
        self._choices = Choices()
        self._answers = ""
        self._wanted = asyncio.Event()
        self._is_stale = False
        self.loaded = asyncio.Event()
        """Set once everything was read for the first time."""

    def compose(self) -> ComposeResult:
        yield Static(id="learning-head", markup=False)
        yield Static(id="learning-tabs", markup=False)
        with ContentSwitcher(initial="page-run", id="learning-pages"):
            with Vertical(id="page-run"):
                yield Static(id="run-head", markup=False)
                yield Charts(id="charts")
                with VerticalScroll(id="run-scroll", can_focus=False):
                    yield Static(id="run-body", markup=False)
            with VerticalScroll(id="page-list", can_focus=False):
                yield Static(id="list-body", markup=False)
        yield Hints(id="hints")

    def on_mount(self) -> None:
        self.query_one(Charts).display = False
        self.set_interval(1 / DRAWS_PER_SECOND, self._draw)
        self._show()
        self.load()
        self._keep_loaded()
        self._watch_ratings()
        self._watch_runs()

    @work(group="news")
    async def _watch_runs(self) -> None:
        """What a run's end means for rules and adapters."""
        async with aclosing((await self._learning()).statuses()) as statuses:
            async for status in statuses:
                if status.news:
                    self.load()

    @work(group="ratings")
    async def _watch_ratings(self) -> None:
        """What becomes of the ratings in the background is shown as it happens."""
        async with aclosing((await self._feedback()).events()) as events:
            async for _ in events:
                self.load()

    def action_load(self) -> None:
        self.load()

    def load(self) -> None:
        """Read everything anew, soon: many wishes at once are one, and none breaks off a reading that is under way."""
        self._wanted.set()

    @work(group="load")
    async def _keep_loaded(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._load()
            await asyncio.sleep(LOAD_REST_SECONDS)

    def _draw(self) -> None:
        """What a run told since the last time; it may tell more than anybody can look at."""
        if self._is_stale:
            self._show()

    def on_resize(self) -> None:
        self._show()

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)

    # What is known

    async def _feedback(self) -> Feedback:
        return await (await self._runtime.whole()).feedback()

    async def _learning(self) -> LearningPort:
        return await (await self._runtime.whole()).learning()

    async def _load(self) -> None:
        """Read everything, and follow a run that was not there before: the one that trains, or the last."""
        settings = (await self._runtime.whole()).settings
        try:
            feedback = await self._feedback()
            buffer = await feedback.buffer()
            self._buffer = pages.buffer_line(buffer, settings.lora)
            self._waiting = pages.waiting_lines(buffer, self.size.width - MARGIN_CELLS)
            self._rules = await feedback.rules.list()
            self._ratings = await feedback.ratings.list(limit=LISTED_MAX)
            learning = await self._learning()
            self._runs = await learning.runs()
            self._adapters = await learning.adapters()
            self._choices = await learning.choices()
            self._answers = pages.answers_line(learning.adapter_choice, self._choices, self._adapters)
        except ShammahError as error:
            complain(self.app, error)
        self._show()
        self.loaded.set()
        if self._runs and self._runs[0].run != self._newest:
            self._newest = self._runs[0].run
            self._follow(self._newest)

    @work(exclusive=True, group="follow")
    async def _follow(self, run: str) -> None:
        self._followed, self._run = run, RunView()
        was_running = False
        try:
            async with aclosing((await self._learning()).follow(run)) as events:
                async for event in events:
                    self._run.hear(event)
                    was_running = was_running or self._run.is_running
                    self._is_stale = True
        except ShammahError as error:
            complain(self.app, error)
        except (KeyError, TypeError, ValueError) as error:
            self.flash(f"The run {run} could not be read whole: {error}")
        self._show()
        if was_running:
            self.load()

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # What is not in the footer of this page is not done by accident either.
        return action not in PAGES_OF or self._applies(action)

    def action_page(self, step: int) -> None:
        names = list(PAGES)
        self._page = names[(names.index(self._page) + step) % len(names)]
        self._show()

    def action_move(self, step: int) -> None:
        count = len(self._listed)
        if self._page == "run":
            view = self.query_one("#run-scroll")
            page = max(1, view.size.height - 1)
            view.scroll_relative(y=max(-page, min(page, step * 2)), animate=False)
        elif count:
            self._chosen[self._page] = max(0, min(count - 1, self._chosen[self._page] + step))
            self._show()

    @work(group="deed", exclusive=True)
    async def action_train(self) -> None:
        run = await self._try((await self._learning()).train())
        if run is not None:
            self._page = "run"
            self.load()

    @work(group="deed", exclusive=True)
    async def action_cancel(self) -> None:
        if not self._run.is_running:
            self.flash("Nothing is training")
            return
        await self._try((await self._learning()).cancel())
        self.flash("The run ends; the model stays as it was")

    @work(group="deed", exclusive=True)
    async def action_use(self) -> None:
        """The chosen adapter; or show the chosen run."""
        chosen = self._chosen[self._page]
        if self._page == "runs" and chosen < len(self._runs):
            self._page = "run"
            self._follow(self._runs[chosen].run)
        elif self._page == "adapters" and chosen < len(self._adapters):
            await self._try((await self._learning()).use(self._adapters[chosen].name))
            self.load()

    @work(group="deed", exclusive=True)
    async def action_off(self) -> None:
        """On the rules: the chosen one off, or on again. On the adapters: answer without one."""
        if self._page == "rules":
            chosen = self._chosen["rules"]
            if chosen < len(self._rules):
                rule = self._rules[chosen]
                state: RuleState = "prompt" if rule.state == "off" else "off"
                await self._try((await self._feedback()).rules.put([rule.id], state))
        else:
            await self._try((await self._learning()).use(""))
        self.load()

    @work(group="deed", exclusive=True)
    async def action_roll_back(self) -> None:
        name = await self._try((await self._learning()).roll_back())
        if name is not None:
            self.flash(f"Answers come from {name or 'the model as it came'} again")
        self.load()

    @work(group="deed", exclusive=True)
    async def action_edit(self) -> None:
        """The words of the chosen rule, or the note of the chosen rating."""
        chosen = self._chosen[self._page]
        if self._page == "rules" and chosen < len(self._rules):
            rule = self._rules[chosen]
            line = await self.app.push_screen_wait(EditLine("The rule, in your words", rule.line))
            if line:
                await self._try((await self._feedback()).edit_rule(rule.id, line))
        elif self._page == "ratings" and chosen < len(self._ratings):
            rating = self._ratings[chosen]
            note = await self.app.push_screen_wait(EditLine("What was wrong, or right", rating.note))
            if note is not None:
                await self._try((await self._feedback()).edit(rating.id, note=note))
        self.load()

    @work(group="deed", exclusive=True)
    async def action_remove(self) -> None:
        chosen = self._chosen[self._page]
        if self._page == "ratings" and chosen < len(self._ratings):
            await self._try((await self._feedback()).remove(self._ratings[chosen].id))
            self.flash("The rating is gone, and what was made from it")
        self.load()

    async def _try(self, deed: Awaitable[T]) -> T | None:
        try:
            return await deed
        except ShammahError as error:
            complain(self.app, error)
            return None

    # What is shown

    @property
    def _listed(self) -> Sequence[object]:
        lists: dict[PageName, Sequence[object]] = {
            "run": (),
            "rules": self._rules,
            "ratings": self._ratings,
            "runs": self._runs,
            "adapters": self._adapters,
        }
        return lists[self._page]

    def _show(self) -> None:
        # What was read may come before all widgets are there, or while they go, the first of them first.
        if not (self.query("#learning-head") and self.query(Hints)):
            return
        self._is_stale = False
        width = max(40, self.size.width - MARGIN_CELLS)
        title = Content.assemble(("Learning", "bold $accent"), (f"   {self._answers}", "$quiet"))
        head = Content("\n").join([title.truncate(width, ellipsis=True), self._buffer.truncate(width, ellipsis=True)])
        self.query_one("#learning-head", Static).update(head)
        tabs = [
            Content.styled(f" {title} ", "bold reverse" if name == self._page else "$quiet")
            for name, title in PAGES.items()
        ]
        self.query_one("#learning-tabs", Static).update(Content(" ").join(tabs))
        self.query_one(ContentSwitcher).current = "page-run" if self._page == "run" else "page-list"
        if self._page == "run":
            self._show_run(width)
        else:
            self._show_list(width)
        shown = [key for key in keys.in_footer("learning") if self._applies(key.action)]
        self.query_one(Hints).show([*shown, *keys.only("everywhere", "app.show_help")])

    def _applies(self, action: str) -> bool:
        """Whether a key of the footer does something on this page."""
        if action == "cancel":
            return self._run.is_running
        if action not in PAGES_OF:
            return True
        # Where the list is empty there is nothing to do it to.
        return self._page in PAGES_OF[action] and bool(self._listed or (self._page == "run" and self._adapters))

    def _show_run(self, width: int) -> None:
        run = self._run
        charts = self.query_one(Charts)
        charts.display = len(run.loss) > 1 and self.size.height >= CHARTS_FROM_LINES
        named = _headline(run.headline, self._followed, width)
        head = [named, pages.progress_line(run, width), pages.plan_line(run.plan)]
        shown = [line for line in head if line]
        if not shown:
            shown = [
                Content.styled("Nothing was trained yet.", "bold"),
                Content("Rate answers with F6, F7 and F8; T trains on what is there."),
                *self._waiting,
            ]
        self.query_one("#run-head", Static).update(Content("\n").join(shown))
        reasons = [Content.styled(visible(reason), "$error") for reason in run.reasons]
        body = [*reasons, *pages.numbers_lines(run, width, losses=not charts.display)]
        if gate := pages.gate_lines(run, width):
            body += [Content(""), *gate]
        if examples := pages.example_lines(run.examples, width):
            body += [Content(""), Content.styled("Before → after", "bold"), *examples]
        self.query_one("#run-body", Static).update(Content("\n").join(body))
        if charts.display:
            charts.show(run)

    def _show_list(self, width: int) -> None:
        """An entry after the other, the chosen one in view."""
        entries = self._entries(width)
        self.query_one("#list-body", Static).update(Content("\n").join([line for entry in entries for line in entry]))
        chosen = self._chosen[self._page]
        if chosen < len(entries):
            top = sum(len(entry) for entry in entries[:chosen])
            # A little of what follows as well: so the last entry takes along what stands below the list.
            region = Region(0, top, 1, len(entries[chosen]) + 1)
            self.query_one("#page-list").call_after_refresh(
                self.query_one("#page-list").scroll_to_region, region, animate=False
            )

    def _entries(self, width: int) -> list[list[Content]]:
        chosen = self._chosen[self._page]
        match self._page:
            case "rules":
                return pages.rule_entries(self._rules, chosen, width)
            case "ratings":
                return [*pages.rating_entries(self._ratings, chosen, width), self._waiting]
            case "runs":
                return pages.run_entries(self._runs, chosen, width, self._followed)
            case _:
                return pages.adapter_entries(self._adapters, chosen, width, self._choices)


def _headline(said: str, run: str, width: int) -> Content:
    line = Content.assemble((said, "bold"), (f"   {run}", "$quiet")) if said else Content("")
    return line.truncate(width, ellipsis=True)
