"""Every way a command may end, as an exit code and words."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shammah_tui.cli import completion
from shammah_tui.cli.main import main
from shammah_tui.errors import EngineBusy
from tests.cli.program import COMMAND, shammah


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: object) -> int:
        raise error

    monkeypatch.setattr(completion, "run", run)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (EngineBusy("The engine is busy.", "Try again."), 75, "shammah: The engine is busy.\n  Try again.\n"),
        (KeyboardInterrupt(), 130, ""),
        (PermissionError(13, "Permission denied", "/x"), 1, "The system refuses: Permission denied (/x)."),
        (RuntimeError("oops"), 1, "Something went wrong inside Shammah (RuntimeError: oops)."),
    ],
)
def test_each_error_has_its_exit_code_and_no_trace_back(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    raising(error, monkeypatch)
    monkeypatch.setattr("shammah_tui.cli.main._drop_output", lambda: None)
    assert main(["completion", "bash"]) == code
    told = capfd.readouterr().err
    assert words in told
    assert "Traceback" not in told


@pytest.mark.parametrize("arguments", [["--debug", "completion", "bash"], ["completion", "bash", "--debug"]])
def test_debug_shows_the_trace(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    raising(RuntimeError("oops"), monkeypatch)
    assert main(arguments) == 1
    assert "Traceback (most recent call last)" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["models"], ["--help"], ["config"]])
def test_a_reader_that_went_away_is_no_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run([*COMMAND, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (process.returncode, process.stderr) == (141, "")


def test_closed_standard_streams_are_no_trouble() -> None:
    for closed in ("<&-", ">&-", "2>&-"):
        command = f"{sys.executable} -m shammah_tui completion bash {closed}"
        found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert (found.returncode, found.stderr) == (0, ""), closed


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_a_full_disk_behind_standard_output_is_told() -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run([*COMMAND, "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert "shammah: The system refuses: No space left on device." in found.stderr
    assert "Traceback" not in found.stderr


def test_a_terminal_that_is_not_utf8_is_no_trouble() -> None:
    found = shammah("models", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (found.returncode, found.stderr) == (0, "")
