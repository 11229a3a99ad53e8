"""The adapter of each answer, from the person's wish to what the engine is asked and the screen is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from shammah_tui import paths
from shammah_tui.config.settings import Settings
from shammah_tui.conversation import Message
from shammah_tui.errors import ShammahError
from shammah_tui.events import TurnStarted
from shammah_tui.runtime import Runtime
from shammah_tui.runtime.adapter_choice import OFF
from shammah_tui.runtime.adapter_memory import Worse
from shammah_tui.runtime.learning import Learning
from shammah_tui.store.rating import Rating, Snapshot
from shammah_tui.wire import AdapterReport, AdaptersReport, AdapterSummary, RuleScope, RunsReport
from tests.test_runtime import WHOLE, Engine, Engines, heard

PYTHON, RUST = "In Python, outside tests: use logging, not print.", "In Rust: return errors with `?`."


def summary(name: str, rule: str, language: str, fits: bool = True) -> AdapterSummary:
    scope = RuleScope(languages=(language,))
    return AdapterSummary(
        name=name, base="demo", created="2026-01-01", size_bytes=1, rules=(rule,), scopes=(scope,), fits=fits
    )


@dataclass
class WithAdapters(Engine):
    """An engine with two adapters, of which a run put the second into use. `wishes`: what each request asked for."""

    by: Literal["person", "program"] = "program"
    active: str | None = "pythonic"
    kept: tuple[AdapterSummary, ...] = (
        summary("rusty", RUST, "rust"),
        summary("pythonic", PYTHON, "python"),
        summary("foreign", "x", "go", fits=False),
    )
    wishes: list[str] = field(default_factory=list)

    async def adapters(self) -> AdaptersReport:
        return AdaptersReport(active=AdapterReport(name=self.active, by=self.by), adapters=self.kept)

    async def use_adapter(
        self, name: str | None, scale: float = 1.0, by: Literal["person", "program"] = "person"
    ) -> AdapterReport:
        self.active, self.by = name, by
        return AdapterReport(name=name, by=by)

    async def runs(self) -> RunsReport:
        return RunsReport()

    def using(self, adapter: str) -> WithAdapters:
        self.wishes.append(adapter)
        return self


async def started(runtime: Runtime, question: str) -> TurnStarted:
    return next(event for event in await heard(runtime, question) if isinstance(event, TurnStarted))


def runtime_with(engine: WithAdapters, folder: Path = Path("/project")) -> Runtime:
    engine.answers = [WHOLE] * 20
    return Runtime(Settings(), folder=folder, connect=Engines([engine]), attended=False)


async def test_the_question_chooses_until_the_person_does() -> None:
    engine = WithAdapters()
    runtime = runtime_with(engine)
    told = await started(runtime, "Write a Rust function")
    assert (told.adapter, told.adapter_why, engine.wishes) == ("rusty", "learned for Rust", ["rusty"])
    told = await started(runtime, "Write a Python function")
    assert (told.adapter, told.adapter_why, engine.wishes) == ("pythonic", "", ["rusty"])
    learning = await runtime.learning()
    await learning.choose("pythonic")
    told = await started(runtime, "Write a Rust function")
    assert (told.adapter, told.adapter_why, engine.wishes[1:]) == ("pythonic", "your choice", ["pythonic"])
    await learning.choose("off")
    assert (await started(runtime, "Write a Rust function")).adapter == ""
    assert (engine.wishes[-1], learning.adapter_choice.shown) == ("none", "")
    await learning.choose(None)
    assert (await started(runtime, "Write a Rust function")).adapter == "rusty"
    await runtime.close()


async def test_what_the_person_put_into_use_is_never_replaced_by_the_question() -> None:
    engine = WithAdapters(by="person")
    runtime = runtime_with(engine)
    assert (await started(runtime, "Write a Rust function")).adapter == "pythonic"
    await (await runtime.learning()).choose(None)
    assert (await started(runtime, "Write a Rust function")).adapter == "rusty", "left to Shammah again"
    await runtime.close()


async def test_a_project_has_its_own_in_all_its_folders_and_in_later_sessions(tmp_path: Path) -> None:
    (tmp_path / "one" / ".git").mkdir(parents=True)
    (tmp_path / "one" / "src").mkdir()
    first = runtime_with(WithAdapters(), tmp_path / "one")
    await heard(first)
    await (await first.learning()).choose_for_project("rusty")
    await first.close()
    later = runtime_with(WithAdapters(), tmp_path / "one" / "src")
    told = await started(later, "Write a Python function")
    assert (told.adapter, told.adapter_why) == ("rusty", "this project's")
    await later.close()
    other = runtime_with(WithAdapters(), tmp_path)
    assert (await started(other, "Write a Python function")).adapter == "pythonic"
    await other.close()


async def test_one_that_is_not_there_or_for_another_model_is_refused_in_words() -> None:
    runtime = runtime_with(WithAdapters())
    await heard(runtime)
    learning = await runtime.learning()
    with pytest.raises(ShammahError, match='no adapter "nosuch"'):
        await learning.choose("nosuch")
    with pytest.raises(ShammahError, match="another model"):
        await learning.choose_for_project("foreign")
    await runtime.close()


async def test_rules_that_the_chosen_adapter_has_not_learned_are_told_to_it() -> None:
    engine = WithAdapters()
    runtime = runtime_with(engine)
    feedback = await runtime.feedback()
    shot = Snapshot((Message("user", "Write a Python function"),), "```python\nprint(1)\n```", language="python")
    rated = await feedback.add(Rating(0, "red", shot, "use logging instead of print"))
    assert rated.rule is not None
    await feedback.rules.put([rated.rule.id], "learned", adapter="pythonic")
    await heard(runtime, "Write a Python function")
    assert rated.rule.line not in engine.asked[-1][0].content
    await (await runtime.learning()).choose_for_project("rusty")
    await heard(runtime, "Write a Python function")
    assert rated.rule.line in engine.asked[-1][0].content
    await runtime.close()


async def rate(runtime: Runtime, adapter: str, colors: str) -> None:
    feedback = await runtime.feedback()
    for number, color in enumerate(colors):
        shot = Snapshot((Message("user", f"{adapter} {number}"),), "A.", adapter=adapter, route="local")
        await feedback.add(Rating(0, "red" if color == "r" else "green", shot, ""))


async def rated_worse(*, active: str) -> tuple[WithAdapters, Runtime, Learning]:
    """Without an adapter one answer of ten was red, with `rusty` four of five; `active` is the home's."""
    engine = WithAdapters(active=active)
    runtime = runtime_with(engine)
    await heard(runtime)
    await rate(runtime, "", "grgggggggg")
    await rate(runtime, "rusty", "rrrrg")
    learning = await runtime.learning()
    await learning.adapters()
    return engine, runtime, learning


async def test_an_adapter_that_is_rated_worse_is_taken_back_with_the_figures_and_a_way_to_undo_it() -> None:
    engine, runtime, learning = await rated_worse(active="rusty")
    told = await learning.judge()
    assert told is not None
    assert told.kept
    assert "1 of 10 → 4 of 5 (10% → 80%, worse with probability" in told.news
    assert "/adapter rusty" in told.news
    assert (engine.active, engine.by) == ("pythonic", "program")
    assert (await started(runtime, "Write a Rust function")).adapter == "pythonic", "not chosen by itself again"
    # Undone: it answers, and only later ratings can take it back.
    await learning.use("rusty")
    assert (await started(runtime, "Write a Rust function")).adapter == "rusty"
    assert await learning.judge() is None
    # Chosen by the person it stays, and is only spoken of, once.
    await rate(runtime, "rusty", "rrrrr")
    told = await learning.judge()
    assert told is not None
    assert "it stays" in told.news
    assert await learning.judge() is None
    assert engine.active == "rusty"
    await runtime.close()


async def test_an_adapter_that_this_session_chose_is_spoken_of_where_another_is_the_homes() -> None:
    engine, runtime, learning = await rated_worse(active="pythonic")
    assert await learning.judge() is None
    await learning.choose("rusty")
    told = await learning.judge()
    assert told is not None
    assert "rusty is rated worse than before" in told.news
    assert engine.active == "pythonic"
    await learning.choose(OFF)
    assert await learning.judge() is None
    await runtime.close()


async def test_choices_that_cannot_be_read_end_the_turn_in_words() -> None:
    runtime = runtime_with(WithAdapters())
    paths.adapters_folder().mkdir(parents=True)
    (paths.adapters_folder() / "choices.json").write_text("{")
    assert "is damaged" in str((await heard(runtime))[-1])
    await runtime.close()


async def test_going_back_passes_over_what_was_taken_back_as_worse() -> None:
    kept = tuple(summary(name, PYTHON, "python") for name in ("newest", "worse", "oldest"))
    engine = WithAdapters(active="newest", kept=kept)
    runtime = runtime_with(engine)
    learning = await runtime.learning()
    await started(runtime, "Write a Python function")
    await learning.adapters()
    learning.adapter_choice.memory.take_back("worse", Worse(8, 8, 1, 9, 0.99), 8)
    assert await learning.roll_back() == "oldest"
    assert engine.active == "oldest"
    await runtime.close()
