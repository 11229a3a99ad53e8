"""What a long conversation and a long answer cost the screen: scripts/bench/transcript.

Every program runs in a pseudo-terminal of 120 × 40 that answers its queries. Echo: from a key's byte to the terminal's
first byte of the screen with it, keys going to the three conversations in turn. Memory: what belongs to that process
alone, after a scroll to the beginning and back. Streaming: processor time a token at a steady rate, less that of the
same screen at rest, after answers of several lengths; Textual's own Markdown widget with `append` for every token runs
the same text. All run in the same seconds, so that they share the machine's noise. A short answer does not scroll yet,
which costs less: growth counts from where the screen is full.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 1_000, 10_000)
BEFORE = (0, 1_000, 10_000, 100_000)
KEYS = 80
WARM_KEYS = 10
LETTERS = b"QXZVKWJ"
# What a terminal says of itself when it is asked.
ANSWERS = ((b"\x1b[?2026$p", b"\x1b[?2026;2$y"), (b"\x1b[?2048$p", b"\x1b[?2048;0$y"), (b"\x1b[c", b"\x1b[?62;22c"))
QUIET_SECONDS = 0.12
PATIENCE_SECONDS = 60.0
GOAL_ECHO, GOAL_MEMORY_MB, GOAL_STREAM = 1.2, 30, 0.2
# Of 1.0, as far as a clock can tell; `tests/ui/test_streaming_cost.py` counts.
GOAL_GROWTH = 1.2


class Terminal:
    """A program in a pseudo-terminal of its own; what it writes is read at once, and its queries are answered."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        command = [sys.executable, "-m", "scripts.bench.transcript_child", *arguments]
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the terminal
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=self._errors,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def read(self, seconds: float) -> bytes:
        """What comes within `seconds`; empty where nothing does."""
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return b""
        for query, answer in ANSWERS:
            if query in data:
                self.send(answer)
        return data

    def settle(self) -> None:
        """Until it writes nothing for a moment."""
        while self.read(QUIET_SECONDS):
            pass

    def wait_for(self, text: bytes) -> None:
        deadline, seen = time.monotonic() + PATIENCE_SECONDS, b""
        while text not in seen:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{text!r} did not come")
            seen = (seen + self.read(0.2))[-200_000:]
        self.settle()

    def echo_seconds(self, letter: bytes) -> float:
        began = time.perf_counter()
        self.send(letter)
        while letter not in self.read(PATIENCE_SECONDS):
            pass
        took = time.perf_counter() - began
        self.settle()
        self.send(b"\x7f")
        self.settle()
        return took

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        self._errors.close()

    @property
    def last_words(self) -> str:
        """What it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")


@contextmanager
def terminals(*argument_lists: tuple[str, ...]) -> Iterator[list[Terminal]]:
    opened = [Terminal(*arguments) for arguments in argument_lists]
    try:
        yield opened
    finally:
        for terminal in opened:
            terminal.close()


def measure_conversations() -> tuple[dict[int, list[float]], dict[int, float], dict[int, float]]:
    """Echo times, memory in MB, and the seconds that opening took, by the number of messages."""
    echoes: dict[int, list[float]] = {size: [] for size in SIZES}
    memory: dict[int, float] = {}
    opening: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        reports = {size: Path(folder) / str(size) for size in SIZES}
        with terminals(*(("talk", str(size), str(reports[size])) for size in SIZES)) as opened:
            for terminal in opened:
                terminal.wait_for(b"The last answer")
            for number in range(WARM_KEYS + KEYS):
                for size, terminal in zip(SIZES, opened, strict=True):
                    took = terminal.echo_seconds(LETTERS[number % len(LETTERS) :][:1])
                    if number >= WARM_KEYS:
                        echoes[size].append(took)
            for size, terminal in zip(SIZES, opened, strict=True):
                for keys in (b"\x1b[1;5H", *[b"\x1b[6~"] * 10, b"\x1b[1;5F"):
                    terminal.send(keys)
                    terminal.settle()
                memory[size] = psutil.Process(terminal.process.pid).memory_full_info().uss / 1e6
                opening[size] = json.loads(reports[size].read_text())["opening_seconds"]
    return echoes, memory, opening


def measure_streaming() -> tuple[dict[int, float], float]:
    """Milliseconds of processor time a token: ours by the tokens that the answer had before, and the plain widget's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = [("ours", str(before)) for before in BEFORE] + [("plain", "0")]
        with terminals(*((*kind, name) for kind in kinds)) as opened:
            readers = [threading.Thread(target=_drain, args=(terminal,), daemon=True) for terminal in opened]
            for reader in readers:
                reader.start()
            while len(list(folder.glob("*.ready"))) < len(kinds) and all(reader.is_alive() for reader in readers):
                time.sleep(0.1)
            (folder / "go").touch()
            for reader in readers:
                reader.join()
            found = []
            for (kind, before), terminal in zip(kinds, opened, strict=True):
                report = folder / f"{kind}-{before}.json"
                if not report.exists():
                    raise RuntimeError(f"{kind} ended without a figure: {terminal.last_words}")
                found.append(float(json.loads(report.read_text())["ms_a_token"]))
    *ours, plain = found
    return dict(zip(BEFORE, ours, strict=True)), plain


def _drain(terminal: Terminal) -> None:
    with suppress(OSError):
        while terminal.process.poll() is None:
            terminal.read(0.2)


def main() -> int:
    echoes, memory, opening = measure_conversations()
    print(f"{'messages':>10}{'echo p50 ms':>14}{'p99 ms':>9}{'memory MB':>12}{'opened in s':>13}")
    medians = {}
    for size in SIZES:
        times = sorted(echoes[size])
        medians[size] = statistics.median(times)
        p99 = times[min(len(times) - 1, round(0.99 * len(times)))]
        print(f"{size:>10,}{1e3 * medians[size]:>14.1f}{1e3 * p99:>9.1f}{memory[size]:>12.1f}{opening[size]:>13.2f}")
    first, last = SIZES[0], SIZES[-1]
    echo, more = medians[last] / medians[first], memory[last] - memory[first]
    print(f"echo at {last:,} over echo at {first}: {echo:.2f} (goal ≤ {GOAL_ECHO})")
    print(f"memory at {last:,} above that at {first}: {more:.1f} MB (goal ≤ {GOAL_MEMORY_MB})\n")

    ours, plain = measure_streaming()
    print(f"{'tokens before':>14}{'ours ms a token':>17}{'over plain append':>19}")
    for before, cost in ours.items():
        print(f"{before:>14,}{cost:>17.3f}{cost / plain:>19.2f}")
    print(f"plain Markdown.append, from an empty answer: {plain:.3f} ms a token")
    worst = max(ours.values()) / plain
    print(f"the worst of ours over plain: {worst:.2f} (goal ≤ {GOAL_STREAM})")
    _, full, *_, longest = BEFORE
    growth = ours[longest] / ours[full]
    print(f"after {longest:,} tokens over after {full:,}: {growth:.2f} (goal ≤ {GOAL_GROWTH})")
    kept = echo <= GOAL_ECHO, more <= GOAL_MEMORY_MB, worst <= GOAL_STREAM, growth <= GOAL_GROWTH
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
