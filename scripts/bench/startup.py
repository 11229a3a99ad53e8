"""How long a start takes: scripts/bench/startup.

Each program is started in a new pseudo-terminal that answers the terminal's questions; all of them in turns, so that
what else the machine does strikes all alike. The time begins before the process is made. Times are medians; a ratio is
the median of each round's own, with the middle half of them. A key is typed as soon as the first words of a prompt are
there.
"""

from __future__ import annotations

import compileall
import fcntl
import os
import pty
import select
import shutil
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path

from shammah_tui.conversation import Entry, Message
from shammah_tui.store.database import Database
from shammah_tui.store.session import _write

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 80, 24
KEY = b"Q"
LIMIT_SECONDS = 20.0
ANSWERS = {
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
}
SESSIONS = 5000
RAW, MINIMAL = "raw prompt, python -I -S", "minimal Textual app"
OURS, OURS_LARGE = "shammah", f"shammah, {SESSIONS:,} sessions"
OTHERS = ("vibe", "codex", "aider", "llm")


@dataclass(frozen=True, slots=True)
class Program:
    """`prompt`: the words that say that it takes keys. `last`: those that are drawn last, `times` times in all, the
    first of them by a painted picture where there is one. `home`: the Shammah home, where it is not the empty one."""

    name: str
    command: Sequence[str]
    prompt: bytes
    last: bytes = b""
    times: int = 1
    home: str = ""


@dataclass(slots=True)
class Moments:
    """Seconds from the start: the prompt's words, the echo of a key, everything drawn."""

    frame: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    complete: list[float] = field(default_factory=list)


def measure(program: Program, environment: dict[str, str], moments: Moments) -> None:
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        home = {"SHAMMAH_HOME": program.home} if program.home else {}
        os.execve(program.command[0], list(program.command), environment | home)
    output, typed_at = b"", -1
    frame = echo = complete = None
    try:
        while time.perf_counter() - started < LIMIT_SECONDS and (echo is None or (program.last and complete is None)):
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            now = time.perf_counter() - started
            output += piece
            for question, answer in ANSWERS.items():
                if question in piece:
                    os.write(terminal, answer)
            if frame is None and program.prompt in output:
                frame, typed_at = now, len(output)
                os.write(terminal, KEY)
            elif frame is not None and echo is None and KEY in output[typed_at:]:
                echo = now
            if program.last and complete is None and output.count(program.last) >= program.times:
                complete = now
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    for found, kept in ((frame, moments.frame), (echo, moments.echo), (complete, moments.complete)):
        if found is not None:
            kept.append(found)


def seconds_to_end(command: Sequence[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def fill(home: Path) -> None:
    """SESSIONS conversations of some questions and answers, as the program keeps them."""
    answer = "One line of an answer as it is kept, neither short nor long, with some words to be found by. " * 12
    said = [Entry(Message("user", "How is this done, and why?")), Entry(Message("assistant", answer))] * 4
    database = Database(home / "shammah.db")

    def write(connection: sqlite3.Connection) -> None:
        for number in range(SESSIONS):
            _write(connection, f"{number:08}", "/project", 0, said, 0)

    database.transact(write)
    database.close()


def programs(large_home: Path) -> list[Program]:
    here = Path(__file__).parent
    shammah = [str(Path(sys.executable).parent / "shammah")]
    raw = [sys.executable, "-I", "-S", str(here / "startup_raw.py")]
    found = [
        Program(RAW, raw, b"ask anything"),
        Program(OURS, shammah, b"sk anything", b"newline", 2),
        Program(OURS_LARGE, shammah, b"sk anything", b"newline", 2, str(large_home)),
        Program(MINIMAL, [sys.executable, str(here / "startup_minimal.py")], b"sk anything", b"commands"),
    ]
    for name in OTHERS:
        path = shutil.which(name)
        if path is None:
            print(f"{name}: not installed, not measured")
        else:
            # The mark of an input line; each has one of its own.
            found.append(Program(name, [path, "chat"] if name == "llm" else [path], b">"))
    return found


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    # As installed: an installer compiles what it installs.
    compileall.compile_dir(ROOT / "shammah_tui", quiet=1)
    with tempfile.TemporaryDirectory(prefix="shammah-start-") as home, tempfile.TemporaryDirectory() as large:
        fill(Path(large))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TEXTUAL"))}
        environment |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "SHAMMAH_HOME": home,
            "SHAMMAH_OFFLINE": "1",
            # What it would write into the person's own folders.
            "LLM_USER_PATH": home,
        }
        shown = programs(Path(large))
        shammah = shown[1].command[0]
        ended = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "shammah --version": [shammah, "--version"],
            "shammah --help": [shammah, "--help"],
        }
        moments = {program.name: Moments() for program in shown}
        ends: dict[str, list[float]] = {name: [] for name in ended}
        for number in range(rounds + 1):
            for program in shown:
                # The first round only warms the disk's cache.
                measure(program, environment, moments[program.name] if number else Moments())
            for name, command in ended.items():
                seconds = seconds_to_end(command, environment)
                if number:
                    ends[name].append(seconds)
        for used in (home, large):
            stop = [shammah, "daemon", "stop"]
            subprocess.run(stop, env=environment | {"SHAMMAH_HOME": used}, check=False, capture_output=True)
    return report(moments, ends, rounds)


def report(moments: dict[str, Moments], ends: dict[str, list[float]], rounds: int) -> int:
    print(f"medians of {rounds} in turns, ms    {'first frame':>12}{'key echoed':>12}{'complete':>12}")
    for name, moment in moments.items():
        cells = "".join(f"{_median(kept):>12}" for kept in (moment.frame, moment.echo, moment.complete))
        print(f"{name:<32}{cells}")
    for name, seconds in ends.items():
        print(f"{name:<32}{_median(seconds):>12}")
    raw, ours, large, minimal = (moments[name] for name in (RAW, OURS, OURS_LARGE, MINIMAL))
    bare = ends["python -c pass"]
    goals = (
        ("key echoed / raw prompt's", ours.echo, raw.echo, 1.5),
        ("complete / minimal Textual app", ours.complete, minimal.complete, 1.1),
        ("complete: 5,000 sessions / none", large.complete, ours.complete, 1.1),
        ("--version / bare Python", ends["shammah --version"], bare, 2.0),
        ("--help / bare Python", ends["shammah --help"], bare, 2.0),
    )
    print("\nthe minimal Textual app has as many widgets as the first picture of shammah, plain ones")
    met = True
    for name, one, other, goal in goals:
        if not len(one) == len(other) == rounds:
            print(f"{name:<32}{'not always seen':>16}")
            met = False
            continue
        low, ratio, high = statistics.quantiles(map(truediv, one, other), n=4)
        met = met and ratio <= goal
        said = "met" if ratio <= goal else "NOT MET"
        print(f"{name:<32}{ratio:>12.2f} ({low:.2f} to {high:.2f})   goal {goal} or less   {said}")
    return 0 if met else 1


def _median(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f}" if seconds else "-"


if __name__ == "__main__":
    sys.exit(main())
