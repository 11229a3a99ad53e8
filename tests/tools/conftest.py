"""A folder to work in, and a way to run one call to its end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.tools.environment import scrubbed
from shammah_tui.tools.tool import Context, Result
from shammah_tui.tools.toolbox import run

Call = Callable[..., Awaitable[Result]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.path.realpath(tmp_path))


@pytest.fixture
async def context(folder: Path, own_ground: Path) -> AsyncIterator[Context]:
    context = Context(folder, own_ground, scrubbed(os.environ))
    yield context
    await context.jobs.close(0.1)


@pytest.fixture
def call(context: Context) -> Call:
    """Run a call and give its result, the last of what it yields."""

    async def call(name: str, inside: Context = context, **arguments: Any) -> Result:
        return await result_of(name, arguments, inside)

    return call


async def result_of(name: str, arguments: dict[str, Any], context: Context) -> Result:
    async with aclosing(run(name, arguments, context)) as pieces:
        *_, last = [piece async for piece in pieces]
    assert isinstance(last, Result)
    return last
