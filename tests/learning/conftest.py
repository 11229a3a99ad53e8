from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from shammah_tui import paths
from tests.learning.world import write_base

FAMILIES = ("qwen2", "qwen3")


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    torch.set_num_threads(2)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {family: write_base(folder / family, family) for family in FAMILIES}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: a run maps the GGUF for minutes, and whoever exports the demo model again writes into the same file."""
    return shutil.copytree(paths.demo_model_folder(), tmp_path_factory.mktemp("base") / "demo")
