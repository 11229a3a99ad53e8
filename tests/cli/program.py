"""Running `shammah` as a person does: in a process of its own, with pipes or in a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-m", "shammah_tui")
TIMEOUT_SECONDS = 120.0


def shammah(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end; standard input is `stdin`, or a closed one, and `environment` is added to the test's own."""
    return _run(arguments, stdin, None, environment)


def shammah_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same with `folder` as its working folder."""
    return _run(arguments, None, folder, environment)


def _run(
    arguments: Sequence[str], stdin: str | None, folder: Path | None, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin or "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )


@dataclass(slots=True)
class Terminal:
    """A program that runs in a terminal, and all that it wrote there."""

    process: subprocess.Popen[bytes]
    descriptor: int
    output: str = ""

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def read_until(self, words: str) -> str:
        """What it wrote so far, once `words` are in it or it has ended."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while words not in self.output and time.monotonic() < end and self.read_more():
            pass
        return self.output

    def read_more(self) -> bool:
        """Take in what comes, perhaps nothing; False where nothing will come any more."""
        if not select.select([self.descriptor], [], [], 0.2)[0]:
            return True
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.output += piece.decode("utf-8", "replace")
        return bool(piece)

    def end(self) -> int:
        """Read to the end, and give the exit code."""
        self.read_until("\0 never")
        return self.process.wait(TIMEOUT_SECONDS)


@contextmanager
def in_terminal(arguments: Sequence[str], **environment: str) -> Iterator[Terminal]:
    """`shammah` with standard input, output and error in a new terminal."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(side)
    try:
        yield Terminal(process, main)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(TIMEOUT_SECONDS)
        os.close(main)
