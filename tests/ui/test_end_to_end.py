"""The real program in a real terminal (tmux) with the real engine and the demo model, as a person drives it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.bootstrap.hub import Faults, Hub

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 20.0
PATIENCE_SECONDS = 60.0

# `scripts/test` sees to it that tmux is there.
pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Terminal:
    """One tmux server of its own with one window, and the Shammah home that is used in it."""

    def __init__(self, home: Path, columns: int = 80, rows: int = 24) -> None:
        self.home = home
        self._name = f"shammah-test-{os.getpid()}-{home.name}"
        self.environment = {**os.environ, "SHAMMAH_HOME": str(home), "PS1": "$ ", "PYTHONPATH": str(ROOT)}
        for name in ("TMUX", "NO_COLOR", "SHAMMAH_MODEL_SIZE"):
            self.environment.pop(name, None)
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "env PS1='$ ' sh")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._name, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def start(self, model: str = "demo", *arguments: str, folder: Path = ROOT) -> None:
        line = shlex.join([sys.executable, "-m", "shammah_tui", "--model", model, *arguments])
        self.type(f"cd {folder} && clear && {line}; echo left with $?")
        self.press("Enter")
        self.wait_for("Ask anything")

    def export(self, environment: dict[str, str]) -> None:
        for name, value in environment.items():
            self.type(f"export {name}={shlex.quote(value)}")
            self.press("Enter")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern: str, *, gone: bool = False, seconds: float = PATIENCE_SECONDS) -> str:
        """The screen as soon as `pattern` is on it, or is not."""
        deadline = time.monotonic() + seconds
        while bool(re.search(pattern, screen := self.screen)) is gone:
            assert time.monotonic() < deadline, f"waited for {pattern!r} ({gone=}):\n{screen}"
            time.sleep(0.05)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")


def shammah(home: Path, *arguments: str) -> None:
    environment = {**os.environ, "SHAMMAH_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "shammah_tui", *arguments], env=environment, check=False, capture_output=True)


def engines(home: Path) -> list[psutil.Process]:
    """Engine processes of this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if "daemon" in process.cmdline() and process.environ().get("SHAMMAH_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    # A short path: the home holds the engine's socket.
    home = Path(tempfile.mkdtemp(prefix="shammah-e2e-"))
    terminal = Terminal(home)
    try:
        yield terminal
    finally:
        terminal.close()
        for engine in engines(home):
            engine.send_signal(signal.SIGCONT)
        # One that was started a moment ago holds the home only once Python is up.
        deadline = time.monotonic() + STOP_SECONDS
        shammah(home, "daemon", "stop")
        while (left := engines(home)) and time.monotonic() < deadline:
            shammah(home, "daemon", "stop")
        for engine in left:
            engine.kill()
        shutil.rmtree(home, ignore_errors=True)
        assert left == []


@pytest.mark.timeout(300)
def test_a_first_conversation(terminal: Terminal) -> None:
    terminal.start()
    # Typed before the engine is there, and answered by itself.
    terminal.type("Write a Python function that adds two numbers")
    terminal.press("Enter")
    screen = terminal.wait_for(r"def \w+\(")
    assert "return" in terminal.wait_for("return")
    assert "DEMO" in screen
    terminal.wait_for(r"(context|ctx) \d+")

    terminal.type("What does the red key do?")
    terminal.press("Enter")
    terminal.wait_for("F8 rates the answer red")

    terminal.press("F3")
    terminal.wait_for("Quantization +Q8_0")
    terminal.press("F1")
    terminal.wait_for("Interrupt the answer at once|Send the message")
    terminal.press("F2")
    terminal.wait_for("Ask anything")
    terminal.press("Up")
    terminal.wait_for("› What does the red key do")
    terminal.press("C-c")
    terminal.wait_for("Ask anything")
    terminal.press("C-c")
    terminal.wait_for("Press Ctrl.C again to leave")
    terminal.press("C-c")
    screen = terminal.wait_for("left with 0")
    assert "Ask anything" not in screen

    # The next start finds the engine warm and the history there.
    terminal.start()
    terminal.wait_for("is ready")
    terminal.press("Up")
    terminal.wait_for("What does the red key do")
    terminal.press("C-u")
    terminal.wait_for("Ask anything")
    terminal.press("C-d")
    terminal.wait_for("left with 0")
    assert len(engines(terminal.home)) == 1


@pytest.mark.timeout(300)
def test_a_question_typed_while_the_model_downloads_is_answered_by_it(terminal: Terminal) -> None:
    name = "Qwen2.5-Coder 0.5B Instruct"
    with Hub.with_demo() as hub:
        hub.misbehave(Faults(bytes_per_second=200_000))
        terminal.export(hub.environment(terminal.home) | {"SHAMMAH_HOME": str(terminal.home)})
        terminal.start("0.5b")
        terminal.type("Write a Python function that adds two numbers")
        terminal.press("Enter")
        terminal.wait_for("The model is downloading")
        terminal.press("F3")
        terminal.wait_for(rf"Downloading {name}")
        terminal.wait_for(r"of \d\.\d MB · .*/s · .* left")
        terminal.press("F2")
        terminal.wait_for(r"def \w+\(")
        assert "DEMO" not in terminal.wait_for(rf"{name} · .*\d+ tokens")
        terminal.press("C-d")
        terminal.wait_for("left with 0")


@pytest.mark.timeout(300)
def test_queue_and_interruption_while_the_engine_hangs(terminal: Terminal) -> None:
    terminal.start()
    terminal.wait_for("is ready")
    (engine,) = engines(terminal.home)
    engine.send_signal(signal.SIGSTOP)
    terminal.type("What does the red key do?")
    terminal.press("Enter")
    terminal.wait_for("answering")
    terminal.type("What does the green key do?")
    terminal.press("Enter")
    terminal.type("not this one")
    terminal.press("Enter")
    terminal.wait_for("Queued 2")
    terminal.press("Up")
    terminal.wait_for("Del remove")
    terminal.press("DC")
    terminal.wait_for("Queued 1")
    terminal.press("Escape")
    terminal.wait_for("Enter queue")
    # Nothing was said: Esc gives the question back although the engine does not move.
    terminal.press("Escape")
    terminal.wait_for(r"› What does the red key do\?")
    terminal.wait_for("paused")
    engine.send_signal(signal.SIGCONT)
    terminal.press("Enter")
    terminal.wait_for("F8 rates")
    terminal.wait_for("F6 rates")
    terminal.wait_for("Queued", gone=True)
    terminal.type("/quit")
    terminal.press("Enter")
    terminal.wait_for("left with 0")


@pytest.mark.timeout(300)
def test_an_engine_that_is_killed_comes_back(terminal: Terminal) -> None:
    terminal.start()
    terminal.wait_for("is ready")
    (engine,) = engines(terminal.home)
    engine.send_signal(signal.SIGSTOP)
    terminal.type("What does the red key do?")
    terminal.press("Enter")
    terminal.wait_for("answering")
    engine.kill()
    terminal.wait_for("F8 rates the answer red")
    (other,) = engines(terminal.home)
    assert other.pid != engine.pid


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["C-z", "SIGTSTP", "SIGSTOP"])
def test_suspending_and_coming_back(terminal: Terminal, way: str) -> None:
    terminal.start()
    terminal.type("a draft")
    terminal.wait_for("a draft")
    (shown,) = shown_in(terminal)
    if way == "C-z":
        terminal.press(way)
    else:
        shown.send_signal(getattr(signal, way))
    terminal.wait_for(r"\[1\].*(Stopped|stopped)")
    assert shown.status() == psutil.STATUS_STOPPED
    terminal.type("fg")
    # After a SIGSTOP this shell finds the terminal raw: there Enter is no end of a line.
    terminal.press("C-j" if way == "SIGSTOP" else "Enter")
    terminal.wait_for(r"\[1\]", gone=True)
    terminal.wait_for("› a draft")
    terminal.press("C-c")
    terminal.wait_for("Ask anything")
    terminal.press("C-d")
    shown.wait(PATIENCE_SECONDS)
    terminal.type("echo typed")
    terminal.press("Enter")
    terminal.wait_for("\ntyped")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "status"), [("TERM", 143), ("HUP", 129)])
def test_a_signal_leaves_and_restores_the_terminal(terminal: Terminal, name: str, status: int) -> None:
    terminal.start()
    (shown,) = shown_in(terminal)
    shown.send_signal(getattr(signal, f"SIG{name}"))
    terminal.wait_for(f"left with {status}")
    terminal.type("echo typed")
    terminal.press("Enter")
    terminal.wait_for("\ntyped")


def shown_in(terminal: Terminal) -> list[psutil.Process]:
    """The program whose screen this is."""
    return [process for process in psutil.process_iter() if is_screen_of(process, terminal.home)]


def is_screen_of(process: psutil.Process, home: Path) -> bool:
    try:
        arguments = process.cmdline()
        return (
            "shammah_tui" in arguments
            and "daemon" not in arguments
            and process.environ().get("SHAMMAH_HOME") == str(home)
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def test_an_editor_may_stay_open_while_something_is_drawn(terminal: Terminal) -> None:
    editor = terminal.home / "editor"
    editor.write_text('#!/bin/sh\necho "in the editor"\nsleep 4\necho "from the editor" >> "$1"\n')
    editor.chmod(0o700)
    terminal.export({"VISUAL": str(editor)})
    terminal.start()
    terminal.type("!for n in $(seq 100); do echo line $n; sleep 0.03; done")
    terminal.press("Enter")
    terminal.wait_for(r"line \d")
    terminal.type("begun")
    terminal.press("C-g")
    terminal.wait_for("in the editor")
    terminal.wait_for("from the editor")
    terminal.wait_for(r"line 100")
    terminal.press("C-c")
    terminal.wait_for("from the editor", gone=True)
