"""A hub on loopback, and a home and a cache that belong to one test."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.bootstrap.hardware import Hardware
from shammah_tui.bootstrap.prepare import ModelFile, Step, prepare
from shammah_tui.bootstrap.state import advance
from shammah_tui.config.settings import Settings
from shammah_tui.events import BootstrapState, ModelSummary, Phase
from tests.bootstrap.hub import Hub

GIBIBYTE = 1024**3

# A megabyte that looks like a GGUF from the outside and repeats nowhere.
DATA = b"GGUF" + random.Random(7).randbytes(1_000_000 - 4)

LAPTOP = Hardware(8 * GIBIBYTE, 6 * GIBIBYTE, 4, "linux", "x86_64", disk_free_bytes=100 * GIBIBYTE)

USUAL = "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q8_0"
"""What "auto" takes on LAPTOP."""
OTHER = "owner/other-GGUF"

# What a developer's own environment may hold, and a test must not see.
FOREIGN = (
    "HF_TOKEN",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    with Hub.with_catalog(DATA) as hub:
        for name, value in hub.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield hub


async def told(steps: AsyncIterator[Step]) -> tuple[list[BootstrapState], ModelFile | None]:
    """All states and the file at the end, each step checked against the table."""
    state, states, file = BootstrapState(Phase.INITIALIZING), [], None
    async for step in steps:
        assert file is None, "nothing may follow the file"
        if isinstance(step, ModelFile):
            file = step
            advance(state, BootstrapState(Phase.LOADING, ModelSummary("", "", "")))
        else:
            state = advance(state, step)
            states.append(step)
    assert file is not None or state.phase in (Phase.FAILED, Phase.NOT_AVAILABLE)
    return states, file


async def run(wish: str = "", settings: Settings | None = None) -> tuple[list[BootstrapState], ModelFile | None]:
    return await told(prepare(settings or Settings(), wish, hardware=LAPTOP))


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file where the demo model lies."""
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "package")
    file = paths.demo_model_gguf()
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)
    return file
