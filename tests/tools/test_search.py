"""Grep and Glob: ripgrep and its stand-in agree, git's rules hold, bounds hold."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shammah_tui.tools import line_search, ripgrep
from shammah_tui.tools.finding import Search
from shammah_tui.tools.ignore import Walk
from shammah_tui.tools.path_pattern import BadPattern, PathPattern
from shammah_tui.tools.tool import Context, Limits, Refused
from tests.tools.conftest import Call

LIMITS = Limits()
RG = ripgrep.program()
needs_rg = pytest.mark.skipif(RG is None, reason="no ripgrep here")


def make(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def search(root: Path, pattern: str, *, glob: str = "", around: int = 0, mode: str = "content") -> Search:
    paths = PathPattern.parse(glob) if glob else None
    return Search(pattern, root, root.is_file(), glob, paths, around, mode, 100)  # type: ignore[arg-type]


async def both_agree(wanted: Search) -> None:
    assert RG is not None
    theirs = await ripgrep.search(wanted, LIMITS, RG)
    ours = await asyncio.to_thread(line_search.search, wanted, LIMITS)
    assert ours == theirs, wanted


TREE: dict[str, str | bytes] = {
    ".git/config": "needle",
    ".gitignore": "*.log\n!keep.log\n/build/\nsub/x\n# comment\n\\#odd\n  \n",
    ".git/info/exclude": "excluded\n",
    ".hidden": "needle",
    "a.py": "one needle\r\ntwo\nneedle three\n\nfive\nNEEDLE",
    "a.log": "needle",
    "keep.log": "needle",
    "#odd": "needle",
    "excluded": "needle",
    "build/out": "needle",
    "sub/build/out": "needle",
    "sub/x": "needle",
    "sub/.gitignore": "!*.log\n*.tmp\n",
    "sub/b.log": "needle",
    "sub/b.tmp": "needle",
    "nested/.git/HEAD": "",
    "nested/c.log": "needle",
    "nested/binary": b"needle\n\0\n",
    "wide.txt": "needle äöü\n".encode("utf-16"),
    "mark.txt": b"\xef\xbb\xbfneedle at once\n",
    "latin.txt": "needle é\n".encode("latin-1"),
    "ä b/ü.txt": "needle\n" * 3,
}


@needs_rg
@pytest.mark.parametrize("pattern", ["needle", "^needle", "(?i)needle$", r"\bneedle\b.*e", r"n\w+e\s", "nowhere"])
async def test_the_stand_in_finds_what_ripgrep_finds(folder: Path, pattern: str) -> None:
    make(folder, TREE)
    await both_agree(search(folder, pattern, around=1))
    await both_agree(search(folder, pattern))


@needs_rg
@pytest.mark.parametrize("mode", ["content", "files", "count"])
async def test_the_stand_in_agrees_in_every_mode_and_for_a_folder_or_file(folder: Path, mode: str) -> None:
    make(folder, TREE)
    for root in (folder, folder / "sub", folder / "a.py"):
        await both_agree(search(root, "needle", mode=mode))


@needs_rg
async def test_credential_files_are_not_searched_with_the_rest(folder: Path) -> None:
    make(folder, {"a.py": "needle", ".env": "needle", "sub/server.key": "needle", ".env.example": "needle"})
    wanted = search(folder, "needle", mode="files")
    await both_agree(wanted)
    assert RG is not None
    found = await ripgrep.search(wanted, LIMITS, RG)
    assert [hit.path for hit in found.hits] == [".env.example", "a.py"]


@needs_rg
async def test_a_pattern_for_a_folder_does_not_bring_back_what_is_ignored_in_it(folder: Path) -> None:
    make(folder, {".gitignore": "*.py\n!a\n", "a/a": "needle", "a/c.py/a": "needle", "a/b.py": "needle"})
    await both_agree(search(folder, "needle", mode="files"))
    assert list(Walk(str(folder), 100, 5).files()) == [".gitignore", "a/a"]


@needs_rg
async def test_an_ignored_folder_that_is_named_is_searched(folder: Path, call: Call) -> None:
    make(folder, {**TREE, "build/deep/a.py": "needle", "build/deep/b.log": "needle"})
    for root in ("build", "build/deep"):
        await both_agree(search(folder / root, "needle", mode="files"))
    assert (await call("Glob", pattern="*", path="build")).text == "deep/a.py\nout"


@needs_rg
@pytest.mark.parametrize(
    "glob", ["*.py", "*.{py,txt}", "sub/**", "**/build/*", "/a.*", "!*.py", "[a-c]*", "?.py", "sub/*", "**", "[!a]*"]
)
async def test_path_patterns_mean_what_they_mean_to_ripgrep(folder: Path, glob: str) -> None:
    make(folder, TREE)
    await both_agree(search(folder, "needle", glob=glob, mode="files"))


names = st.sampled_from(["a", "b", "c.py", "d.log", ".e", "f g"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
rules = st.lists(
    st.builds(
        lambda bang, slash, body, end: bang + slash + body + end,
        st.sampled_from(["", "", "!"]),
        st.sampled_from(["", "/"]),
        st.sampled_from(["a", "b", "*.py", "*.log", "a/b", "**/c.py", "a/**", "b/*", ".*", "f g", "?", "[ab]"]),
        st.sampled_from(["", "", "/"]),
    ),
    max_size=4,
).map("\n".join)
lines = st.lists(st.sampled_from(["foo", "bar", "foo bar", "", "FOO\r", "é foo"]), max_size=6).map(
    lambda rows: "\n".join(rows).removesuffix("\r")  # a carriage return without a line end is no ending to either
)


@needs_rg
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.dictionaries(paths, lines, max_size=8),
    ignores=st.dictionaries(st.sampled_from(["", "a/", "b/"]), rules, max_size=2),
    pattern=st.sampled_from(["foo", "^foo$", "o b", "^$", "(?i)FOO", "[^o]$"]),
    around=st.integers(0, 2),
)
def test_both_agree_on_generated_trees(
    files: dict[str, str], ignores: dict[str, str], pattern: str, around: int
) -> None:
    root = Path(tempfile.mkdtemp()).resolve()
    try:
        for name, content in [*files.items(), *((f"{prefix}.gitignore", text) for prefix, text in ignores.items())]:
            try:
                make(root, {name: content})
            except OSError:  # a file where another name wants a folder
                continue
        asyncio.run(both_agree(search(root, pattern, around=around)))
    finally:
        shutil.rmtree(root)


async def test_grep_shows_paths_numbers_and_surroundings(folder: Path, call: Call) -> None:
    make(folder, {"a.py": "1\n2\nneedle\n4\n5\n6\n7\nneedle"})
    result = await call("Grep", pattern="needle", context_lines=1)
    assert result.text == "a.py-2-2\na.py:3:needle\na.py-4-4\n--\na.py-7-7\na.py:8:needle"
    assert result.summary == "2 lines in 1 file"
    assert (await call("Grep", pattern="needle", output_mode="count")).text == "a.py:2"
    assert (await call("Grep", pattern="needle", output_mode="files", path="a.py")).text == "a.py"
    assert (await call("Grep", pattern="absent")).text == "[no match]"


@pytest.mark.parametrize("with_rg", [pytest.param(True, marks=needs_rg), False])
async def test_grep_is_bounded_and_mistakes_are_told(
    folder: Path, call: Call, context: Context, monkeypatch: pytest.MonkeyPatch, with_rg: bool
) -> None:
    if not with_rg:
        monkeypatch.setattr(ripgrep, "program", lambda: None)
    make(folder, {"a": "x" * 3_000_000 + "\n" + "x\n" * 1_000})
    result = await call("Grep", pattern="x")
    assert result.truncated
    assert "narrow" in result.text
    assert len(result.text) < 10_000
    for bad in ("(", "[", "a\nb", "", r"(?<=x)y", r"(x)\1"):
        assert (await call("Grep", pattern=bad)).failed, bad
    small = replace(context, limits=Limits(grep_file_bytes=1_000))
    assert "Bash" in (await call("Grep", small, pattern="x", path="a")).text


def test_the_stand_in_does_not_guess_at_what_python_alone_reads() -> None:
    for pattern in (r"(?=a)", r"(a)\1", "a*+", "[[:alpha:]]", "(?>a)"):
        with pytest.raises(Refused):
            line_search.search(search(Path("/nowhere"), pattern), LIMITS)


async def test_glob_lists_what_git_does_not_ignore(folder: Path, call: Call) -> None:
    make(folder, TREE)
    assert (await call("Glob", pattern="*.log")).text.split("\n") == ["keep.log", "nested/c.log", "sub/b.log"]
    assert (await call("Glob", pattern="sub/**/*")).text.split("\n") == ["sub/.gitignore", "sub/b.log", "sub/build/out"]
    assert (await call("Glob", pattern="*.py", path="sub")).text == "[no file matches]"
    assert (await call("Glob", pattern="[")).failed
    assert (await call("Glob", pattern="*", path="a.py")).failed


async def test_a_large_tree_is_given_up_at_its_bounds(folder: Path, call: Call, context: Context) -> None:
    make(folder, {f"d{n // 50}/{n}": "" for n in range(300)})
    few = replace(context, limits=Limits(glob_paths=10))
    result = await call("Glob", few, pattern="*")
    assert result.text.count("\n") == 10
    assert "cut after 10 paths" in result.text
    walk = Walk(str(folder), entries_max=60, seconds_max=5)
    assert len(list(walk.files())) <= 60
    assert walk.stopped


def test_links_are_not_followed_and_a_loop_ends(folder: Path) -> None:
    make(folder, {"a/b": ""})
    (folder / "a/loop").symlink_to("..")
    assert list(Walk(str(folder), 1_000, 5).files()) == ["a/b"]


def test_patterns_that_cannot_be_read_say_why() -> None:
    for text in ("", "{a", "a}", "[a", "a\\", "[z-a]"):
        with pytest.raises(BadPattern):
            PathPattern.parse(text)
