"""Which adapter answers, for the running program: the person's wishes gathered, the candidates asked of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from shammah_tui.errors import EngineError, EngineGone, RequestError
from shammah_tui.feedback.scope import Request
from shammah_tui.runtime.adapter_choice import OFF, Candidate, Chosen, Wishes, choose_adapter
from shammah_tui.runtime.adapter_memory import Choices, Memory
from shammah_tui.runtime.link import EngineLink
from shammah_tui.store.rule import Rule, Scope
from shammah_tui.wire import AdaptersReport, AdapterSummary

# A question does not wait longer than this for the list of adapters.
ASK_SECONDS = 1.0


class Chooser:
    """`session`: what the person chose since the program began, by `/adapter` or on the learning screen: a name, `OFF`,
    or None, which leaves it to the project's setting and to what the question is about."""

    def __init__(self, link: EngineLink, memory: Memory, root: Path) -> None:
        self.session: str | None = None
        self.memory = memory
        self.root = root
        self.last: Chosen | None = None
        """Of the latest question; None before one was asked, and after the person chose anew."""
        self._link = link
        self._rules: dict[str, frozenset[str]] = {}

    @property
    def shown(self) -> str:
        """For the status line: the adapter that answers; empty for the model as it came."""
        if self.session is not None:
            return "" if self.session == OFF else self.session
        if self.last is not None and self.last.by != "active":
            return self.last.name
        model = self._link.state.model
        return model.adapter if model else ""

    def want(self, name: str | None) -> None:
        """The person's wish for this session; None leaves it to Shammah again."""
        self.session, self.last = name, None

    async def choose(self, asked: Request) -> Chosen:
        """Raises EngineGone, and HomeError where the choices cannot be read."""
        choices = await asyncio.to_thread(self.memory.read)
        project = choices.projects.get(str(self.root))
        engine = self._link.engine
        if engine is None:
            raise EngineGone("The engine went away.")
        try:
            async with asyncio.timeout(ASK_SECONDS):
                report = await engine.adapters()
        except EngineGone:
            raise
        except (EngineError, RequestError, TimeoutError):
            # It exchanges its model just now, or is busy, and will answer all the same; what it then has is not known
            # here.
            wish = project if self.session is None else self.session
            self.last = choose_adapter((), Wishes(session=wish), asked) if wish is not None else Chosen("")
            return self.last
        self.last = self.chosen(report, choices, asked)
        return self.last

    def chosen(self, report: AdaptersReport, choices: Choices, asked: Request) -> Chosen:
        self._rules = {adapter.name: frozenset(adapter.rules) for adapter in report.adapters}
        active = report.active
        wishes = Wishes(
            self.session,
            choices.projects.get(str(self.root)),
            active.name or "",
            active.by == "person",
        )
        return choose_adapter(_candidates(report.adapters, choices), wishes, asked)

    def lacks(self, chosen: Chosen | None, rule: Rule) -> bool:
        """Whether a learned rule must be told to whoever answers; `chosen` is None for Claude, who has learned none.

        Where the person took another adapter or none, it is as they want to see it, without.
        """
        if chosen is None:
            return True
        if chosen.by not in ("project", "question"):
            return False
        return rule.line not in self._rules.get(chosen.name, frozenset())


def _candidates(adapters: Sequence[AdapterSummary], choices: Choices) -> list[Candidate]:
    return [
        Candidate(
            adapter.name,
            tuple(Scope(**scope.model_dump()) for scope in adapter.scopes),
            (back := choices.taken_back.get(adapter.name)) is not None and not back.again,
        )
        for adapter in adapters
        if adapter.fits and not adapter.problem
    ]
