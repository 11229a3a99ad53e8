"""The shape of `design/architecture.md`, as failing tests: directions between rooms, and who loads which library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

COMMAND_LINE_NEVER = (
    "textual",
    "pydantic",
    "httpx2",
    "torch",
    "transformers",
    "peft",
    "llama_cpp",
    "anthropic",
    "huggingface_hub",
    "starlette",
    "uvicorn",
    "asyncio",
)
CLIENT_NEVER = (
    "llama_cpp",
    "torch",
    "transformers",
    "peft",
    "starlette",
    "uvicorn",
    "anthropic",
    "huggingface_hub",
)
ENGINE_NEVER = ("textual", "torch", "transformers", "peft", "anthropic")


def loaded_by(statement: str, libraries: tuple[str, ...]) -> list[str]:
    """Those of `libraries` that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nloaded = [name for name in {libraries!r} if name in sys.modules]\n"
    code += "import json\nprint(json.dumps(loaded))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    found: list[str] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_arrows_between_rooms_point_down_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "import shammah_tui.cli, shammah_tui.cli.main, shammah_tui.cli.arguments",
        "import sys; sys.argv = ['shammah', '--help']\nfrom shammah_tui.__main__ import main\nmain()",
        "import sys; sys.argv = ['shammah', '--version']\nfrom shammah_tui.__main__ import main\nmain()",
        "from shammah_tui.cli.arguments import build_parser\nbuild_parser().format_help()",
    ],
    ids=["import", "help", "version", "parser"],
)
def test_the_command_line_loads_nothing_heavy_before_a_command_runs(statement: str) -> None:
    assert loaded_by(statement, COMMAND_LINE_NEVER) == []


def test_help_and_version_do_without_argparse() -> None:
    for flag in ("--help", "--version"):
        statement = f"import sys; sys.argv = ['shammah', '{flag}']\nfrom shammah_tui.__main__ import main\nmain()"
        assert loaded_by(statement, ("argparse", "re", "typing", "dataclasses")) == []


@pytest.mark.parametrize(
    "module",
    ["shammah_tui.ui.app", "shammah_tui.runtime", "shammah_tui.cli.query", "shammah_tui.cli.screen"],
)
def test_the_client_loads_nothing_of_the_engine(module: str) -> None:
    backends = ", ".join(f"shammah_tui.backends.{name}" for name in ("engine_process", "local", "claude.backend"))
    statement = f"import {module}, {backends}"
    assert loaded_by(statement, CLIENT_NEVER) == []


@pytest.mark.parametrize("module", ["shammah_tui.runtime", "shammah_tui.cli.query", "shammah_tui.cli.doctor"])
def test_a_query_does_without_the_screen(module: str) -> None:
    assert loaded_by(f"import {module}", ("textual",)) == []


def test_the_engine_does_without_screen_and_trainer() -> None:
    assert loaded_by("import shammah_tui.daemon.lifecycle", ENGINE_NEVER) == []
