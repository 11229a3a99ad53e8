"""A program in a real pseudo-terminal that answers what Textual asks, and the picture that it draws there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyte

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[?2048$p": b"\x1b[?2048;0$y"}
# What a person may have set, and a picture would show.
UNSET = ("NO_COLOR", "COLUMNS", "LINES", "SHAMMAH_THEME", "SHAMMAH_MODEL", "TMUX")


@dataclass
class PtyScreen:
    """`pictures`: each different one that was to be seen, as far as the pieces that arrived show them."""

    pid: int
    descriptor: int
    screen: pyte.Screen
    stream: pyte.ByteStream
    answers: bool = True
    output: bytes = b""
    pictures: list[tuple[str, ...]] = field(default_factory=list)
    status: int | None = None

    @property
    def lines(self) -> list[str]:
        """What is shown. pyte's own `display` fails where half of a wide character was overwritten, and the empty cell
        that stood for the other half is left."""
        columns = range(self.screen.columns)
        return ["".join(self.screen.buffer[y][x].data for x in columns) for y in range(self.screen.lines)]

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def read(self, seconds: float) -> bool:
        """Take what it writes within `seconds`; False when it has left the terminal."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.output += piece
        if self.answers:
            for question, answer in ANSWERS.items():
                if question in piece:
                    self.type(answer)
        self.stream.feed(piece)
        picture = tuple(self.lines)
        if not self.pictures or self.pictures[-1] != picture:
            self.pictures.append(picture)
        return bool(piece)

    def wait_until(self, condition: Callable[[], bool], what: str = "") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if not self.read(0.02):
                # Nothing more comes from a program that has left its terminal.
                time.sleep(0.02)
                assert condition() or not self._has_ended(), (
                    what + "\n" + self.output[-2000:].decode("utf-8", "replace")
                )
            assert time.monotonic() < deadline, what + "\n" + "\n".join(self.lines)

    def wait_for(self, words: str) -> None:
        self.wait_until(lambda: words in "\n".join(self.lines), f"waited for {words!r}")

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        _set_size(self.descriptor, columns, rows)

    def end(self) -> int:
        """Read to its end, and give its exit status, negative for a signal."""
        self.wait_until(self._has_ended, "it does not end")
        while self.read(0.1):
            if not select.select([self.descriptor], [], [], 0)[0]:
                break
        assert self.status is not None
        return self.status

    def _has_ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def close(self) -> None:
        """Take the terminal away, as a terminal emulator that is closed does."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def wait_for_death(self, seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not self._has_ended():
            assert time.monotonic() < deadline, "it lives on without a terminal"
            time.sleep(0.02)

    @property
    def attributes(self) -> list[object]:
        return termios.tcgetattr(self.descriptor)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """Each row's cells with their colours; of a blank only the ground is to be seen."""
        return [
            [_seen(self.screen.buffer[row][at]) for at in range(self.screen.columns)]
            for row in range(self.screen.lines)
        ]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    return (" ", cell.bg) if cell.data == " " else (cell.data, cell.fg, cell.bg, cell.bold)


@contextmanager
def in_pty(
    command: Sequence[str], home: Path, columns: int = 80, rows: int = 24, **environment: str
) -> Iterator[PtyScreen]:
    full = {name: value for name, value in os.environ.items() if name not in UNSET and "TEXTUAL" not in name}
    full |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "SHAMMAH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    full |= environment
    pid, descriptor = pty.fork()
    if pid == 0:
        # Its size is set before it looks.
        _set_size(0, columns, rows)
        os.execvpe(command[0], list(command), full)
    screen = pyte.Screen(columns, rows)
    shown = PtyScreen(pid, descriptor, screen, pyte.ByteStream(screen))
    try:
        yield shown
    finally:
        if shown.status is None:
            for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
                process.send_signal(signal.SIGKILL)
            os.waitpid(pid, 0)
        shown.close()


def shammah(*arguments: str) -> list[str]:
    """The command as a person types it."""
    return [str(Path(sys.executable).parent / "shammah"), *arguments]


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
