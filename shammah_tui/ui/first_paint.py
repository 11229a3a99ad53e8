"""The prompt before Textual is there: painted in its final place, and taking keys, while the rest is imported.

    paint = begin()              # None where there is no terminal for it
    ...                          # the main thread imports; another one reads keys and shows them
    paint.adopt()                # Textual's driver has the terminal, but for the keys
    paint.hand_over()            # what was typed; from here on Textual reads, and draws
    paint.close()                # in any case: gives the terminal back, if nobody adopted it

Importing Textual takes longer than a person waits for the first key. So this loads nothing but what the interpreter
has at hand (a test counts), and keeps every character that it reads: Textual's own parser reads them again, as if it
had been there from the beginning (`driver`). What is shown meanwhile is a preview.

The terminal is given back whatever happens: on leaving, on a signal, when the start fails. When it is gone, the
program ends.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` without its enumerations
import _thread
import os
import select
import sys
import termios
import time

from shammah_tui.ui import colour
from shammah_tui.ui.frame import Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shammah_tui.ui.preview import Key

# A smaller screen is laid out in another way, and waits for Textual.
COLUMNS_MIN, ROWS_MIN = 48, 20
LEAVE_SECONDS = 2.0
# As long as Textual waits for what follows an Esc, before it takes it for the key.
ESCAPE_SECONDS = 0.1
CHUNK_BYTES = 4096
SWITCH_SECONDS = 0.0001
# Where nothing that is typed can be followed any more, so many Ctrl+C in a row leave.
INTERRUPTS_MAX = 4

ENTER_ALTERNATE, LEAVE_ALTERNATE = "\x1b[?1049h", "\x1b[?1049l"
# All keys as escape sequences, with their text: https://sw.kovidgoyal.net/kitty/keyboard-protocol/
PUSH_KITTY, POP_KITTY = "\x1b[>25u", "\x1b[<u"
_ENTER = f"{ENTER_ALTERNATE}\x1b[?25l{PUSH_KITTY}\x1b[?2004h\x1b[?7l"
_LEAVE = f"\x1b[0m\x1b[?2004l\x1b[?7h{POP_KITTY}{LEAVE_ALTERNATE}\x1b[?25h"

_STOP = b"\0"
_SIGNALS = (_signal.SIGWINCH, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGTSTP, _signal.SIGCONT)
_LEAVE_HINT = "Press Ctrl+C again to leave"


def begin() -> FirstPaint | None:
    """Paint the prompt, and begin to take keys. None where that is better left to Textual, or to an error's words."""
    environment = os.environ
    # A switch of Textual's may change what the screen looks like.
    odd = environment.get("TERM", "dumb") == "dumb" or any(name.startswith("TEXTUAL") for name in environment)
    if odd or sys.stdout is None or sys.stdout.encoding != "utf-8" or not (os.isatty(0) and os.isatty(1)):
        return None
    try:
        paint = FirstPaint(termios.tcgetattr(0))
        if not paint.has_room:
            return None
        paint.start()
    except (termios.error, OSError):
        return None
    return paint


class FirstPaint:
    """The terminal, from the first frame until Textual draws its own. `attributes`: as they were before."""

    def __init__(self, attributes: list[Any]) -> None:
        self.attributes = attributes
        self.theme = theme_name()
        self.columns, self.rows = terminal_size()
        self.decode: Any = None
        """The decoder of what is read, for whoever reads on: it may hold half a character."""
        self._adopted = False
        self._ours = False
        self._record: list[tuple[float, str]] = []
        self._painted: list[str] = []
        self._hint = ""
        self._interrupts: list[float] = []
        self._ahead = b""
        self._handlers: dict[int, Any] = {}
        self._wake_read = self._wake_write = -1
        self._reading = _thread.allocate_lock()
        palette = colour.PALETTES.get(self.theme, colour.PALETTES[colour.DEFAULT])
        depth = colour.depth(os.environ.get("COLORTERM", ""), os.environ.get("TERM", ""))
        self._frame = Frame(colour.sequences(palette, depth, grey="NO_COLOR" in os.environ))

    @property
    def has_room(self) -> bool:
        return self.columns >= COLUMNS_MIN and self.rows >= ROWS_MIN

    def start(self) -> None:
        """Raises OSError and termios.error; the terminal is then as it was."""
        # Signals first: the terminal is never left as it is made here.
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        for number in _SIGNALS:
            handler = _signal.getsignal(number)
            if handler is not _signal.SIG_IGN:
                self._handlers[number] = handler
                _signal.signal(number, _hear)
        _signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        try:
            self._make_raw()
            # A line that was entered before, in the terminal's own mode, ends with another character than Enter.
            if select.select([0], [], [], 0)[0]:
                self._ahead = os.read(0, CHUNK_BYTES).replace(b"\n", b"\r")
            self._paint("", 0, before=_ENTER)
        except BaseException:
            self.close()
            raise
        # Now, while nothing else wants the interpreter: a key shall not wait for it.
        from codecs import getincrementaldecoder

        from shammah_tui.ui.preview import Keys, Preview

        self.decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._keys, self._preview = Keys(), Preview()
        # What was typed until now is shown before the thread begins: on a busy machine that may wait for its turn.
        try:
            if self._ahead:
                self._take(self._ahead)
            if select.select([0], [], [], 0)[0]:
                self._listen()
        except BaseException:
            self.close()
            raise
        # The thread that reads keys is not to wait long for the one that imports.
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._reading.acquire()
        _thread.start_new_thread(self._read_keys, ())

    # For whoever goes on

    def adopt(self) -> None:
        """From here on Textual restores the terminal, hears signals, and says what keys do that leave or suspend."""
        self._adopted = True

    def hand_over(self) -> list[tuple[float, str]]:
        """Read nothing more, show nothing more: all that was typed, in pieces, with when they came (monotonic)."""
        if self._reading.locked():
            os.write(self._wake_write, _STOP)
            with self._reading:
                pass
            sys.setswitchinterval(self._switch_seconds)
        record, self._record = self._record, []
        return record

    def close(self) -> str:
        """Give the terminal back, unless it was adopted. Returns what was typed and nobody took. On the main thread."""
        typed = "".join(piece for _, piece in self.hand_over())
        if not self._adopted:
            self._leave()
            for number, handler in self._handlers.items():
                _signal.signal(number, handler)
            _signal.set_wakeup_fd(-1)
        self._handlers = {}
        if self._wake_read >= 0:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_read = self._wake_write = -1
        return typed

    # The terminal

    def _make_raw(self) -> None:
        """As Textual does it, and without losing what was typed ahead (TCSANOW)."""
        flags = [*self.attributes]
        flags[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        flags[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        flags[6] = [*flags[6]]
        flags[6][termios.VMIN] = 1
        self._ours = True
        termios.tcsetattr(0, termios.TCSANOW, flags)

    def _leave(self) -> None:
        if not self._ours:
            return
        self._ours = False
        try:
            _write(_LEAVE)
            termios.tcsetattr(0, termios.TCSANOW, self.attributes)
        except (OSError, termios.error):
            # It is gone, and there is nothing to restore.
            return

    def _exit(self, status: int) -> None:
        """End the program from the thread that reads keys. Nothing was begun yet that would have to be ended."""
        self._leave()
        os._exit(status)

    def _suspend(self) -> None:
        self._leave()
        # To this very thread: the program stands still before it returns.
        _signal.pthread_kill(_thread.get_ident(), _signal.SIGSTOP)

    # The thread that reads keys

    def _read_keys(self) -> None:
        try:
            while self._listen():
                pass
        finally:
            self._reading.release()

    def _listen(self) -> bool:
        """Wait for a key or a signal, and answer it; False when this shall end."""
        patience = ESCAPE_SECONDS if self._keys.escape_waits else None
        ready = select.select([self._wake_read, 0], [], [], patience)[0]
        if not ready:
            self._keys.expire()
            self._preview.lost = True
        elif self._wake_read in ready:
            for number in os.read(self._wake_read, CHUNK_BYTES):
                if number == 0:
                    return False
                self._signalled(number)
        else:
            try:
                piece = os.read(0, CHUNK_BYTES)
            except BlockingIOError:
                return True
            except OSError:
                piece = b""
            if not piece:
                if not self._adopted:
                    self._exit(128 + _signal.SIGHUP)
                return False
            self._take(piece)
        return True

    def _signalled(self, number: int) -> None:
        if self._adopted:
            return
        if number in (_signal.SIGTERM, _signal.SIGHUP):
            self._exit(128 + number)
        elif number == _signal.SIGTSTP:
            self._suspend()
        else:
            if number == _signal.SIGCONT:
                was_ours = self._ours
                self._make_raw()
                if not was_ours:
                    _write(_ENTER)
            self.columns, self.rows = terminal_size()
            self._painted = []
            self._show()

    def _take(self, piece: bytes) -> None:
        text = self.decode(piece)
        self._record.append((time.monotonic(), text))
        for at, character in enumerate(text, 1):
            key = self._keys.push(character)
            if key is not None:
                self._press(key, len(text) - at)
        self._show()

    def _press(self, key: Key, after: int) -> None:
        """`after`: how many characters of the record came after this key."""
        if key.name != "ctrl+c":
            self._interrupts = []
        if key.name == "ctrl+c":
            self._interrupt()
        elif self._adopted:
            self._preview.press(key)
        elif key.name == "ctrl+z":
            self._forget(len(key.raw), after)
            self._suspend()
        elif key.name == "ctrl+d" and not self._preview.text and not self._preview.lost:
            self._exit(0)
        else:
            if key.name == "ctrl+l":
                self._painted = []
            self._preview.press(key)

    def _interrupt(self) -> None:
        """Ctrl+C clears, then warns, then leaves."""
        now = time.monotonic()
        self._interrupts = [*self._interrupts, now]
        if self._preview.lost:
            if len(self._interrupts) >= INTERRUPTS_MAX and not self._adopted:
                self._exit(0)
        elif self._preview.text:
            self._preview.clear()
            self._interrupts = []
        elif len(self._interrupts) > 1 and now - self._interrupts[-2] < LEAVE_SECONDS and not self._adopted:
            self._exit(0)
        else:
            self._hint = _LEAVE_HINT

    def _forget(self, count: int, after: int) -> None:
        """Take `count` characters that end before the last `after` ones out of the record: their key was answered."""
        moment = self._record[-1][0]
        text = "".join(piece for _, piece in self._record)
        end = len(text) - after
        self._record = [(moment, text[: end - count] + text[end:])]

    def _show(self) -> None:
        preview = self._preview
        if self._ours and self.has_room:
            preview.width = self.columns
            self._paint(preview.text, preview.cursor)

    def _paint(self, text: str, cursor: int, *, before: str = "") -> None:
        """Write the rows that changed, in one piece, the lowest first: there is the prompt."""
        lines = self._frame.lines(self.columns, self.rows, text, cursor, self._hint)
        if lines is None:
            self._preview.lost = True
            return
        if len(self._painted) != len(lines):
            self._painted = [""] * len(lines)
        changed = [f"\x1b[{row + 1};1H{line}" for row, line in enumerate(lines) if line != self._painted[row]]
        self._painted = lines
        _write("".join([before, *reversed(changed), "\x1b[0m"]))


def terminal_size() -> tuple[int, int]:
    """Columns and rows, as `shutil.get_terminal_size` finds them, which Textual asks. Raises OSError."""
    columns, rows = (int(value) if value.isdecimal() else 0 for value in map(_variable, ("COLUMNS", "LINES")))
    if not (columns and rows):
        found = os.get_terminal_size(1)
        columns, rows = columns or found.columns, rows or found.lines
    return columns, rows


def theme_name() -> str:
    """The theme of the environment or the config, as far as one sees it without a parser: it is only a colour."""
    given = _variable("SHAMMAH_THEME")
    if given:
        return given
    try:
        # pathlib is not loaded yet.
        home = os.path.expanduser(_variable("SHAMMAH_HOME") or "~/.shammah")  # noqa: PTH111
        descriptor = os.open(home + "/config.toml", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return colour.DEFAULT
    try:
        lines = os.read(descriptor, 65536).decode("utf-8", "replace").splitlines()
    except OSError:
        return colour.DEFAULT
    finally:
        os.close(descriptor)
    for line in lines:
        if line.startswith("["):
            break
        name, sign, value = line.partition("=")
        if sign and name.strip() == "theme":
            return value.split("#")[0].strip(" \t\"'")
    return colour.DEFAULT


def _variable(name: str) -> str:
    return os.environ.get(name, "")


def _hear(number: int, frame: object) -> None:
    """A signal with a handler of Python's is written to the wake-up pipe, which the reading thread reads."""


def _write(text: str) -> None:
    """All of it, to the terminal. Raises OSError when that is gone."""
    left = memoryview(text.encode("utf-8", "replace"))
    while left:
        try:
            left = left[os.write(1, left) :]
        except BlockingIOError:
            select.select([], [1], [])
