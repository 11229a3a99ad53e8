"""Read: numbered lines, bounds, and what it refuses."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui.tools.tool import Context, Limits
from tests.tools.conftest import Call


async def test_lines_are_numbered_as_cat_does(folder: Path, call: Call) -> None:
    (folder / "a.txt").write_bytes(b"one\r\ntwo\n")
    result = await call("Read", file_path="a.txt")
    assert result.text == "     1\tone\n     2\ttwo"
    assert not result.truncated


async def test_a_part_says_how_to_get_the_rest(folder: Path, call: Call) -> None:
    (folder / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    result = await call("Read", file_path="a.txt", offset=3, limit=2)
    assert result.text.startswith("     3\tline 3\n     4\tline 4\n[cut after line 4")
    assert "go on with offset 5" in result.text
    assert result.truncated


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\xef\xbb\xbfhi\n", "hi"),
        ("grüße\n".encode("utf-16"), "grüße"),
        ("grüße\n".encode("cp1252"), "grüße"),
        ("grüße\n".encode(), "grüße"),
        (b"\x81caf\xe9\n", "\x81café"),
    ],
)
async def test_encodings_are_understood(folder: Path, call: Call, data: bytes, shown: str) -> None:
    (folder / "a.txt").write_bytes(data)
    assert (await call("Read", file_path="a.txt")).text == f"     1\t{shown}"


@pytest.mark.parametrize(
    ("data", "word"), [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"%PDF-1.7\n", "pdftotext"), (b"\0\1\2", "binary")]
)
async def test_what_is_no_text_is_refused_by_name(folder: Path, call: Call, data: bytes, word: str) -> None:
    (folder / "a").write_bytes(data)
    result = await call("Read", file_path="a")
    assert result.failed
    assert word in result.text


async def test_a_file_of_five_gigabytes_stays_bounded(folder: Path, call: Call, context: Context) -> None:
    (folder / "large").write_bytes(b"first\n" + b"x" * 5_000_000 + b"\nthird\n")
    os.truncate(folder / "large", 5 << 30)
    small = replace(context, limits=Limits(read_scan_bytes=16 << 20))
    result = await call("Read", small, file_path="large", limit=3)
    assert "first" in result.text
    assert "the line goes on" in result.text
    assert "third" in result.text
    assert len(result.text) < 5_000
    assert "too far" in (await call("Read", small, file_path="large", offset=10)).text


async def test_a_pipe_and_a_device_never_block(folder: Path, call: Call) -> None:
    os.mkfifo(folder / "pipe")
    for path in ("pipe", "/dev/zero", "/dev/tty", "."):
        result = await asyncio.wait_for(call("Read", file_path=path), 5)
        assert result.failed, path


async def test_a_file_swapped_for_a_link_after_the_question_is_refused(
    folder: Path, call: Call, context: Context
) -> None:
    (folder / "secret").write_text("secret")
    (folder / "a.txt").write_text("plain")
    allowed = replace(context, place=str(folder / "a.txt"))
    assert "plain" in (await call("Read", allowed, file_path="a.txt")).text
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("secret")
    result = await call("Read", allowed, file_path="a.txt")
    assert result.failed
    assert "another place" in result.text


async def test_a_missing_file_and_wrong_arguments_are_told_in_words(call: Call) -> None:
    assert "No such file" in (await call("Read", file_path="nowhere")).text
    result = await call("Read", path="x")
    assert result.failed
    assert "file_path" in result.text
    assert "no tool" in (await call("Nothing")).text


async def test_an_empty_file_and_an_offset_beyond_the_end_say_so(folder: Path, call: Call) -> None:
    (folder / "a").write_text("")
    assert "empty" in (await call("Read", file_path="a")).text
    (folder / "a").write_text("1\n")
    assert "ends before line 9" in (await call("Read", file_path="a", offset=9)).text
