"""Files after an `@` in a large project: found by their letters, and the prompt goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.fuzzy import FuzzySearch

from shammah_tui.agent import project_file
from shammah_tui.ui import suggesting
from shammah_tui.ui.suggesting import WEIGHED_MAX, suggestions
from shammah_tui.ui.widgets.completion import Completion
from tests.ui.test_chat import showing

LARGE = [f"packages/{number // 100}/source/module_{number}.py" for number in range(50_000)]


class Watched(tuple[str, ...]):
    """Names that know in which threads they were gone through."""

    threads: set[int]

    def __iter__(self) -> Iterator[str]:
        self.threads.add(threading.get_ident())
        return super().__iter__()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never did")


async def test_letters_wait_for_one_walk_and_no_matching_stops_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Watched(["src/main.py", "README.md"])
    names.threads = set()
    walks: list[Path] = []
    walked = threading.Event()

    def listed(folder: Path) -> tuple[str, ...]:
        walks.append(folder)
        walked.wait(10)
        return names

    monkeypatch.setattr(project_file, "listed", listed)
    async with showing() as (app, _, pilot):
        await pilot.press("@", "m")
        await until(lambda: bool(walks))
        await pilot.press("a", "i")
        await pilot.pause(0.1)
        assert len(walks) == 1
        walked.set()
        await until(lambda: bool(app.query(Completion)) and app.query_one(Completion).is_open)
        await pilot.press("tab")
        assert app.chat.prompt.text == "@src/main.py "
        assert names.threads
        assert threading.get_ident() not in names.threads


def test_a_large_project_is_searched_by_its_likeliest_files(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed = 0

    class Counting(FuzzySearch):
        def match(self, query: str, candidate: str) -> tuple[float, object]:  # type: ignore[override]
            nonlocal weighed
            weighed += 1
            return super().match(query, candidate)

    monkeypatch.setattr(suggesting, "FuzzySearch", Counting)
    files = [*LARGE, "packages/web/Router.tsx"]
    assert suggestions("see @module_123", files)[0].shown == "packages/1/source/module_123.py"
    assert suggestions("see @rout", files)[0].shown == "packages/web/Router.tsx"
    assert suggestions("see @pwrtsx", files)[0].shown == "packages/web/Router.tsx"
    assert suggestions("see @zzz", files) == []
    assert weighed <= 4 * WEIGHED_MAX
