"""Restart: the program starts again in the same conversation, and never as one that does not work."""

from __future__ import annotations

import subprocess
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui.tools.restart import Program, restart
from shammah_tui.tools.tool import Context, Output, Result


@pytest.fixture
def program(folder: Path) -> Program:
    """A checkout of a small program, started before its files were written."""
    for name, text in {
        "pyproject.toml": "",
        "little/__init__.py": "",
        "little/tools/sum.py": "def total(a: int, b: int) -> int:\n    return a + b\n",
        "tests/tools/test_sum.py": "from little.tools.sum import total\ndef test_sum():\n    assert total(1, 1) == 2\n",
        "tests/ui/test_slow.py": "raise SystemExit('a room that did not change is not tested')\n",
        "conftest.py": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Program(folder / "little", time.time() - 60, "import little.tools.sum")


async def outcome(program: Program, context: Context) -> tuple[Result, str]:
    shown = ""
    async with aclosing(restart(program, "a new tool", context)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Output):
                shown += piece.text
            else:
                return piece, shown
    raise AssertionError("no result")


async def test_a_program_whose_source_did_not_change_restarts_at_once(program: Program, context: Context) -> None:
    (program.root / "tests/tools/test_sum.py").write_text("raise SystemExit('it is not tested')\n")
    result, shown = await outcome(replace(program, started=time.time() + 60), context)
    assert (result.restart, result.failed, shown) == ("a new tool", False, "")


async def test_a_changed_program_restarts_after_its_tests_passed(program: Program, context: Context) -> None:
    result, shown = await outcome(program, context)
    assert result.restart == "a new tool"
    assert "1 passed" in shown
    assert [str(path) for path in program.changed()] == ["little/__init__.py", "little/tools/sum.py"]


async def test_a_program_whose_tests_fail_goes_on_as_it_is(program: Program, context: Context) -> None:
    (program.package / "tools/sum.py").write_text("def total(a: int, b: int) -> int:\n    return a - b\n")
    result, _ = await outcome(program, context)
    assert result.failed
    assert not result.restart
    assert "assert total(1, 1) == 2" in result.text


async def test_a_program_that_cannot_be_read_goes_on_as_it_is(program: Program, context: Context) -> None:
    (program.package / "tools/sum.py").write_text("def total(:\n")
    result, _ = await outcome(program, context)
    assert not result.restart
    assert "SyntaxError" in result.text


def test_this_program_passes_the_first_check_and_names_its_tests() -> None:
    checks = Program().checks(
        [Path("shammah_tui/tools/read.py"), Path("styles/chat.tcss"), Path("shammah_tui/files.py")]
    )
    (_, importing), (_, testing) = checks
    subprocess.run(importing, cwd=Program().root, check=True)
    assert {"tests/architecture", "tests/tools", "tests/ui", "tests/test_files.py"} <= set(testing)


def test_an_installed_program_has_no_source_to_test(program: Program) -> None:
    (program.root / "pyproject.toml").unlink()
    assert program.changed() == ()
