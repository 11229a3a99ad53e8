"""A real engine with the demo model, and what asks it as the client does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from shammah_tui.backends.engine_client import EngineClient
from shammah_tui.backends.local import LocalBackend
from shammah_tui.store.database import Database
from tests.daemon.conftest import EngineProcess, end_engine, start_engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    started = start_engine(tmp_path_factory.mktemp("e"), "--model", "demo")
    yield started
    end_engine(started)


@pytest_asyncio.fixture
async def backend(engine: EngineProcess) -> AsyncIterator[LocalBackend]:
    client = EngineClient.over_socket(engine.socket)
    yield LocalBackend(client)
    await client.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "home" / "shammah.db")
    yield opened
    opened.close()
