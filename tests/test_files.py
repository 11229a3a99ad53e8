"""Private files are whole or not there, and private; a pid file is a lock and knows a reused number."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from shammah_tui.errors import HomeError
from shammah_tui.files import create_private, private_folder, write_private
from shammah_tui.process import PidFile, ProcessIdentity, read_identity, spawn_detached


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("value", [0o000, 0o022, 0o077, 0o777])
def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, value: int) -> None:
    with umask(value):
        folder = private_folder(tmp_path / "a" / "b")
        write_private(folder / "f", b"data")
        assert create_private(folder / "g", b"data")
    assert [mode(path) for path in (tmp_path / "a", folder, folder / "f", folder / "g")] == [0o700, 0o700, 0o600, 0o600]


def test_an_open_folder_is_tightened_and_what_is_no_folder_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    assert mode(private_folder(tmp_path / "open")) == 0o700
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError):
        private_folder(tmp_path / "file")
    with pytest.raises(HomeError):
        private_folder(tmp_path / "file" / "below")


def test_a_write_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for data in (b"one", b"", b"three"):
        write_private(path, data)
        assert path.read_bytes() == data
    assert not create_private(path, b"four")
    assert path.read_bytes() == b"three"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    (tmp_path / "f").symlink_to(tmp_path / "target")
    write_private(tmp_path / "f", b"new")
    assert (tmp_path / "target").read_text() == "kept"
    assert not (tmp_path / "f").is_symlink()


def test_a_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_private(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(HomeError, match="cannot be written"):
            write_private(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_process_is_known_by_its_start_and_not_by_its_number_alone() -> None:
    ours = ProcessIdentity.of(os.getpid())
    assert ours.is_alive()
    assert not ProcessIdentity(ours.pid, ours.started_at - 60).is_alive()
    child = subprocess.Popen([sys.executable, "-c", ""])
    identity = ProcessIdentity.of(child.pid)
    deadline = time.monotonic() + 10
    while identity.is_alive():  # as a zombie, which nobody has waited for
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()
    assert not identity.is_alive()


def test_the_pid_file_is_held_until_it_is_released_or_its_holder_dies(tmp_path: Path) -> None:
    path = tmp_path / "p"
    code = (
        "import sys, time; from pathlib import Path; from shammah_tui.process import PidFile;"
        "file = PidFile(Path(sys.argv[1])); print(file.acquire() and 'held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    own = PidFile(path)
    assert not own.acquire()
    found = read_identity(path)
    assert found is not None
    assert found.pid == child.pid
    child.kill()
    child.wait()
    child.stdout.close()
    assert own.acquire()
    assert mode(path) == 0o600
    own.release()
    own.release()
    assert not path.exists()


def test_a_detached_process_survives_us_in_a_session_of_its_own(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.getsid(0) == os.getpid(), os.environ['MARK'], flush=True); input()"
    log = tmp_path / "log"
    process = spawn_detached([sys.executable, "-c", code], log=log, environment={**os.environ, "MARK": "x"})
    assert process.wait(20) != 0  # its standard input is empty
    assert log.read_text().startswith("/ True x\n")
    assert mode(log) == 0o600
    assert not psutil.pid_exists(process.pid)
