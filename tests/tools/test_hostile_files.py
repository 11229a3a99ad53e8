"""Files that are no files, or too large: refused or bounded by every tool that opens one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.tools.conftest import Call

FIVE_GIGABYTES = 5 << 30
OPENING = [
    ("Read", {}),
    ("Edit", {"old_string": "a", "new_string": "b"}),
    ("Write", {"content": "x"}),
    ("Grep", {"pattern": "a"}),
]


def arguments(tool: str, path: str, others: dict[str, str]) -> dict[str, str]:
    return {"path" if tool == "Grep" else "file_path": path, **others}


@pytest.mark.parametrize(("tool", "others"), OPENING)
async def test_pipes_and_devices_are_refused_at_once(
    folder: Path, call: Call, tool: str, others: dict[str, str]
) -> None:
    os.mkfifo(folder / "pipe")
    for path in ("pipe", "/dev/zero", "/dev/stdin"):
        result = await asyncio.wait_for(call(tool, **arguments(tool, path, others)), 5)
        assert result.failed, path
    assert (folder / "pipe").is_fifo()


@pytest.mark.parametrize(("tool", "others"), OPENING[1:])
async def test_five_gigabytes_are_neither_read_nor_changed(
    folder: Path, call: Call, tool: str, others: dict[str, str]
) -> None:
    with (folder / "large").open("wb") as file:
        file.truncate(FIVE_GIGABYTES)
    result = await asyncio.wait_for(call(tool, **arguments(tool, "large", others)), 10)
    assert result.failed
    assert str(FIVE_GIGABYTES) in result.text
    assert (folder / "large").stat().st_size == FIVE_GIGABYTES


async def test_a_large_file_is_passed_over_in_a_search_of_its_folder(folder: Path, call: Call) -> None:
    (folder / "small").write_text("needle\n")
    with (folder / "large").open("wb") as file:
        file.truncate(FIVE_GIGABYTES)
    result = await asyncio.wait_for(call("Grep", pattern="needle"), 10)
    assert "small" in result.text
    assert "large" not in result.text
