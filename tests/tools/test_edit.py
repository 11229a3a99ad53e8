"""Edit and Write: nothing is lost that was not meant."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shammah_tui.tools.diff import unified
from shammah_tui.tools.edit import EditArguments, replaced
from shammah_tui.tools.encoding import decode, encode
from shammah_tui.tools.tool import Context
from tests.tools.conftest import Call


async def test_an_edit_changes_only_what_was_meant_and_shows_it(folder: Path, call: Call, context: Context) -> None:
    path = folder / "a.py"
    path.write_bytes(b"one\ntwo\nthree\n")
    path.chmod(0o751)
    await call("Read", file_path="a.py")
    result = await call("Edit", file_path="a.py", old_string="two", new_string="2")
    assert path.read_bytes() == b"one\n2\nthree\n"
    assert path.stat().st_mode & 0o777 == 0o751
    assert "-two\n+2" in result.diff
    assert result.diff.splitlines()[2] == "@@ -1,4 +1,4 @@"
    assert context.former.load(result.changes[0].before) == b"one\ntwo\nthree\n"
    assert os.listdir(folder) == ["a.py"]  # noqa: PTH208
    again = await call("Edit", file_path="a.py", old_string="three", new_string="3")
    assert not again.failed, "an edit counts as having read what it wrote"


async def test_a_file_that_was_not_read_or_changed_since_is_not_edited(folder: Path, call: Call) -> None:
    path = folder / "a"
    path.write_text("one")
    edit = {"file_path": "a", "old_string": "one", "new_string": "two"}
    assert "not read yet" in (await call("Edit", **edit)).text
    await call("Read", file_path="a")
    path.write_text("one more")
    assert "has changed" in (await call("Edit", **edit)).text
    assert "has changed" in (await call("Write", file_path="a", content="x")).text
    assert path.read_text() == "one more"
    assert "use Write" in (await call("Edit", file_path="b", old_string="x", new_string="y")).text


async def test_errors_say_how_many_matches_and_where_the_nearest_line_is(folder: Path, call: Call) -> None:
    (folder / "a").write_text("x = 1\nx = 1\n    return value + 1\n")
    await call("Read", file_path="a")
    twice = await call("Edit", file_path="a", old_string="x = 1", new_string="x = 2")
    assert "2 times (lines 1, 2)" in twice.text
    none = await call("Edit", file_path="a", old_string="return valve + 1", new_string="")
    assert "line 3" in none.text
    assert "return value + 1" in none.text
    assert "same" in (await call("Edit", file_path="a", old_string="value", new_string="value")).text
    assert not (await call("Edit", file_path="a", old_string="x = 1", new_string="x = 2", replace_all=True)).failed
    assert (folder / "a").read_text().startswith("x = 2\nx = 2\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_encoding_mark_and_line_endings_stay(folder: Path, call: Call, encoding: str) -> None:
    path = folder / "a"
    path.write_bytes("é one\r\né two\r\n".encode(encoding))
    await call("Read", file_path="a")
    result = await call("Edit", file_path="a", old_string="one\né", new_string="1\né and\né")
    assert not result.failed, result.text
    assert path.read_bytes() == "é 1\r\né and\r\né two\r\n".encode(encoding)
    await call("Write", file_path="a", content="é\nnew\n")
    assert path.read_bytes() == "é\r\nnew\r\n".encode(encoding)


async def test_a_character_the_file_cannot_hold_is_told_and_nothing_is_written(folder: Path, call: Call) -> None:
    path = folder / "a"
    path.write_bytes(b"caf\xe9")
    await call("Read", file_path="a")
    assert "cp1252" in (await call("Edit", file_path="a", old_string="caf", new_string="中")).text
    assert path.read_bytes() == b"caf\xe9"


async def test_write_makes_folders_and_says_that_the_file_is_new(folder: Path, call: Call) -> None:
    result = await call("Write", file_path="a/b/c.txt", content="hello\n")
    assert (folder / "a/b/c.txt").read_text() == "hello\n"
    assert "created" in result.text
    assert "+hello" in result.diff
    assert result.changes[0].before == ""


async def test_write_follows_no_link_that_was_put_there_after_the_question(
    folder: Path, call: Call, context: Context
) -> None:
    (folder / "inside").mkdir()
    (folder / "outside").mkdir()
    allowed = replace(context, place=str(folder / "inside/new"))
    (folder / "inside").rmdir()
    (folder / "inside").symlink_to("outside")
    assert (await call("Write", allowed, file_path="inside/new", content="x")).failed
    assert not list((folder / "outside").iterdir())


async def test_binary_files_and_lone_surrogates_are_refused(folder: Path, call: Call) -> None:
    (folder / "a").write_bytes(b"\0\1")
    assert "binary" in (await call("Write", file_path="a", content="x")).text
    assert (await call("Write", file_path="b", content="\ud800")).failed
    assert not (folder / "b").exists()


async def test_former_versions_that_take_too_much_make_room(folder: Path, context: Context) -> None:
    store = replace(context.former, bytes_max=10)
    first = store.keep(b"12345678")
    second = store.keep(b"abcdefgh")
    assert store.load(first) is None
    assert store.load(second) == b"abcdefgh"
    assert store.load("../x") is None


pieces = st.text(st.sampled_from("ab é\t"), max_size=4)
endings = st.sampled_from(["\n", "\r\n"])
files = st.lists(st.tuples(pieces, endings), max_size=6).map(lambda rows: "".join(a + b for a, b in rows))


@given(head=files, body=st.text("abé", min_size=1), tail=files, new=st.text("xyz\n"))
def test_an_edit_keeps_every_byte_around_it(head: str, body: str, tail: str, new: str) -> None:
    marked = f"{head}<{body}>{tail}"
    result = replaced(marked, EditArguments(file_path="f", old_string=f"<{body}>", new_string=new))
    assert result.startswith(head)
    assert result.endswith(tail)
    middle = result[len(head) : len(result) - len(tail)]
    assert middle.replace("\r\n", "\n") == new


@given(st.binary())
def test_what_is_decoded_comes_back_as_the_same_bytes(data: bytes) -> None:
    decoded = decode(data)
    assert decoded is None or encode(*decoded) == data


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_a_diff_shows_what_came_and_went(old: list[str], new: list[str]) -> None:
    diff = unified("\n".join(old), "\n".join(new), "f", 10_000)
    body = [line for line in diff.split("\n")[2:] if not line.startswith("@@")]
    old_lines, new_lines = "\n".join(old).split("\n"), "\n".join(new).split("\n")
    assert sum(line[:1] != "+" for line in body) <= len(old_lines)
    gone, came = (sum(line.startswith(sign) for line in body) for sign in "-+")
    assert len(old_lines) - gone + came == len(new_lines)
