"""Lines that were acknowledged are there, whatever happens to the file or the process."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shammah_tui.errors import HomeError
from shammah_tui.journal import lines

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "records.jsonl"


def numbers(path: Path, skipped: lines.Skipped | None = None) -> list[object]:
    return [record["n"] for record in lines.read(path, skipped)]


def test_what_was_appended_is_read_in_order(path: Path) -> None:
    for number in range(3):
        lines.append(path, {"n": number})
    assert numbers(path) == [0, 1, 2]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_file_has_no_records(path: Path) -> None:
    assert numbers(path) == []


@pytest.mark.parametrize(
    "text", ["a\u2028b", "a\u2029b", "a\rb", "a\r\nb", "a\nb", "\x00", "\x85", "\ud800", "שלום", '"']
)
def test_any_text_stays_one_record(path: Path, text: str) -> None:
    lines.append(path, {"n": text})
    lines.append(path, {"n": 2})
    assert numbers(path) == [text, 2]


def test_a_cut_at_any_byte_costs_the_cut_line_alone(path: Path) -> None:
    lines.append(path, {"n": 1})
    whole = path.read_bytes()
    lines.append(path, {"n": 2, "text": "é"})
    both = path.read_bytes()
    for size in range(len(whole), len(both)):
        path.write_bytes(both[:size])
        lines.append(path, {"n": 3})
        skipped = lines.Skipped()
        found = numbers(path, skipped)
        # A line that lacks nothing but its line feed is whole.
        assert found == ([1, 2, 3] if size == len(both) - 1 else [1, 3])
        assert skipped.lines == (0 if size in (len(whole), len(both) - 1) else 1)


@pytest.mark.parametrize(
    "damage", [b"\x00" * 4096, b'{"n": 1\xc3', b"[1]\n", b"nonsense\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"]
)
def test_damage_is_skipped_and_counted(path: Path, damage: bytes) -> None:
    lines.append(path, {"n": 1})
    with path.open("ab") as file:
        file.write(damage)
    lines.append(path, {"n": 2})
    skipped = lines.Skipped()
    assert numbers(path, skipped) == [1, 2]
    assert skipped.lines == 1


def test_a_full_disk_is_told_and_leaves_the_file_valid(path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk: a write in the middle of a line fails."""
    lines.append(path, {"n": 1})
    before = path.read_bytes()
    code = f"""
import resource, signal
from pathlib import Path
from shammah_tui.errors import HomeError
from shammah_tui.journal import lines
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 5}, resource.RLIM_INFINITY))
try:
    lines.append(Path({str(path)!r}), {{"n": 2}})
except HomeError as error:
    print(error.message)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "cannot be written" in answer.stdout
    assert path.read_bytes() == before
    lines.append(path, {"n": 3})
    assert numbers(path) == [1, 3]


def test_a_link_in_place_of_the_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HomeError):
        lines.append(path, {"n": 1})
    assert not (tmp_path / "elsewhere").exists()


WRITER = """
import sys
from pathlib import Path
from shammah_tui.journal import lines
path, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for number in range(count):
    lines.append(path, {"by": name, "n": number, "text": "x" * size})
    print(number, flush=True)
"""


def writer(path: Path, name: str, count: int, size: int = 3000) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_two_processes_never_interleave(path: Path) -> None:
    both = [writer(path, "a", 150), writer(path, "b", 150)]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    skipped = lines.Skipped()
    records = list(lines.read(path, skipped))
    assert skipped.lines == 0
    for name in ("a", "b"):
        assert [record["n"] for record in records if record["by"] == name] == list(range(150))


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(path: Path) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, int] = {}
    for name in "abcdef":
        process = writer(path, name, 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        told = [line for line in process.communicate()[0].split("\n") if line]
        acknowledged[name] = int(told[-1]) + 1 if told else 1
    records = list(lines.read(path))
    for name, count in acknowledged.items():
        found = [record["n"] for record in records if record["by"] == name]
        assert found == list(range(len(found)))
        assert len(found) >= count
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert all(json.dumps(record) for record in records)
