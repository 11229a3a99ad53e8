"""`shammah daemon`: in the foreground, and start, status, stop."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from shammah_tui import __version__, paths
from tests.cli.program import COMMAND, TIMEOUT_SECONDS, shammah


def test_start_status_and_stop_tell_what_is_so() -> None:
    found = shammah("daemon", "status")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("No engine is running.")
    assert json.loads(shammah("daemon", "status", "--json").stdout) == {"running": False}
    try:
        started = shammah("daemon", "start", "--model", "demo")
        assert (started.returncode, started.stderr) == (0, "")
        assert "The engine runs: " in started.stdout
        told = json.loads(shammah("daemon", "status", "--json").stdout)
        assert (told["running"], told["version"]) == (True, __version__)
        assert shammah("daemon", "start").stdout.startswith("The engine runs: ")
        assert json.loads(shammah("daemon", "status", "--json").stdout)["pid"] == told["pid"]
    finally:
        stopped = shammah("daemon", "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "The engine has ended.\n")
    assert not paths.daemon_socket().exists()
    assert shammah("daemon", "stop").stdout == "No engine is running.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_serves_until_a_signal(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, "daemon", "--model", "demo"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + 60
        while shammah("daemon", "status").returncode != 0 and time.monotonic() < end:
            time.sleep(0.1)
        again = shammah("daemon")
        assert again.returncode == 1
        assert "An engine runs already for this home" in again.stderr
    finally:
        process.send_signal(number)
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0
    assert "Traceback" not in told
    assert not paths.daemon_socket().exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bind", "nonsense"], "nonsense"),
        (["--bind", "0.0.0.0:8080"], "--allow-remote"),
        (["--keep-alive", "soon"], "expected a length of time"),
        (["--model", "nope"], "is no model that Shammah knows"),
        (["--bind", "127.0.0.1:8080", "start"], "for the engine in the foreground"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(arguments: list[str], words: str) -> None:
    found = shammah("daemon", *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert words in found.stderr
    assert not paths.daemon_socket().exists()
