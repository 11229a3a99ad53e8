"""The terminal as Textual drives it, with what it leaves out: a screen that is already painted, keys that were typed
before it was there, signals in the midst of anything, and a terminal that goes away.

Textual 8.2 starts reading before a widget has the focus, and what is typed then is lost: here it reads from
`take_keys()` on. It gives the terminal up inside of the handler of SIGTSTP, which waits for ever if the handler came
while a text was handed to the writer. Of a terminal that is gone it reads "nothing" without end, and waits for ever to
write the rest.
"""

from __future__ import annotations

import os
import select
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from shammah_tui.ui.first_paint import ENTER_ALTERNATE, PUSH_KITTY, FirstPaint

POLL_SECONDS = 0.1
CHUNK_BYTES = 4096
# How long the program may take to end once its terminal is gone.
GONE_SECONDS = 5.0
EXIT_GONE = 129
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"


class TerminalDriver(LinuxDriver):
    """`paint` is set by a subclass that `driver_for` makes: Textual makes its driver itself."""

    paint: FirstPaint | None = None

    class KeysTaken(Message):
        """What was typed before is on its way to the widgets, ahead of this message."""

    class TerminalGone(Message):
        """There is nobody to show anything to."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._file = _Output(self._say_gone)  # type: ignore[assignment]
        self._covered = self.paint
        self._wanted = Event()
        self._gone = False
        self._titled = False
        self._suspended = False

    def set_title(self, text: str) -> None:
        """Of the terminal; the one before comes back when the screen is left."""
        self.write(f"{'' if self._titled else SAVE_TITLE}\x1b]2;{text}\x07")
        self._titled = True
        self.flush()

    def take_keys(self) -> None:
        """There is a widget that keys can go to."""
        self._wanted.set()

    # What Textual calls

    def write(self, data: str) -> None:
        # While the terminal is an editor's, nobody takes what is written: soon the loop would wait for that.
        if self._writer_thread is not None and not self._writer_thread.is_alive():
            return
        # The painted screen stays: some terminals clear it when they are told again, and the other would be kept twice.
        if self._covered is None or data not in (ENTER_ALTERNATE, PUSH_KITTY):
            super().write(data)

    def start_application_mode(self) -> None:
        if self._covered is not None:
            self._covered.adopt()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._covered is not None:
            # It was changed before Textual looked.
            self.attrs_before = self._covered.attributes

    def stop_application_mode(self) -> None:
        if self._covered is not None:
            self._covered.hand_over()
        self._covered = None
        if self._titled:
            self.write(RESTORE_TITLE)
            self._titled = False
        super().stop_application_mode()

    def _sigtstp_application(self, *_: object) -> None:
        if self._auto_restart:
            self._loop.call_soon_threadsafe(self._suspend)
        else:
            # The terminal is an editor's, which is stopped as well.
            super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        if self._suspended:
            super()._sigcont_application()
            self._suspended = False
        elif self._auto_restart:
            self._loop.call_soon_threadsafe(self._begin_anew)

    def _suspend(self) -> None:
        """Between two steps of the loop, however the signal came."""
        self._app.app_suspend_signal.publish(self._app)
        self._suspended = True
        super()._sigtstp_application()

    def _begin_anew(self) -> None:
        """After a SIGSTOP, which nobody hears: the shell has had the terminal meanwhile."""
        self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()

    def run_input_thread(self) -> None:
        while not self._wanted.wait(POLL_SECONDS):
            if self.exit_event.is_set():
                return
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        if self._covered is not None:
            typed = self._covered.hand_over()
            decode = self._covered.decode or decode
            self._covered = None
            self._replay(parser, typed)
        self.process_message(self.KeysTaken())
        try:
            self._read(parser, decode)
        finally:
            with suppress(EOFError, ParseError):
                list(parser.feed(""))

    def _replay(self, parser: XTermParser, typed: list[tuple[float, str]]) -> None:
        """As it was typed; an Esc that nothing followed for a while is a key, and not the beginning of the next."""
        for number, (moment, piece) in enumerate(typed):
            self._process(parser, piece)
            follows = typed[number + 1][0] if number + 1 < len(typed) else moment
            if piece.endswith("\x1b") and follows - moment > constants.ESCAPE_DELAY:
                time.sleep(constants.ESCAPE_DELAY)
                self._tick(parser)

    def _read(self, parser: XTermParser, decode: Callable[[bytes], str]) -> None:
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], POLL_SECONDS)[0]:
                try:
                    piece = os.read(self.fileno, CHUNK_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    piece = b""
                if not piece:
                    self._say_gone()
                    return
                self._process(parser, decode(piece))
            self._tick(parser)

    def _process(self, parser: XTermParser, text: str) -> None:
        # An empty text would tell the parser that there is no more.
        if text:
            for message in parser.feed(text):
                self.process_message(message)

    def _tick(self, parser: XTermParser) -> None:
        for message in parser.tick():
            self.process_message(message)

    # A terminal that is gone

    def _say_gone(self) -> None:
        """Ask the app to end, once; what does not end by then is ended."""
        if not self._gone:
            self._gone = True
            end_soon()
            try:
                self.send_message(self.TerminalGone())
            except RuntimeError:
                # The loop is closed: the app has ended.
                return


def driver_for(paint: FirstPaint | None) -> type[TerminalDriver]:
    """The driver of a screen that begins as `paint` left it."""
    return type("PaintedDriver", (TerminalDriver,), {"paint": paint})


def end_soon() -> None:
    """Whatever happens, the program is not there any more after a few seconds."""

    def end() -> None:
        time.sleep(GONE_SECONDS)
        os._exit(EXIT_GONE)

    Thread(target=end, name="end-soon", daemon=True).start()


class _Output:
    """Standard output for Textual's writer, which would end at the first error and let the others wait for it.

    Textual itself writes to standard error, which may be a file.
    """

    def __init__(self, on_gone: Callable[[], None]) -> None:
        assert sys.__stdout__ is not None
        self._descriptor = sys.__stdout__.fileno()
        self._encoding = sys.__stdout__.encoding
        self._on_gone = on_gone
        self._waiting: list[str] = []
        self._gone = False

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        if not self._gone:
            self._waiting.append(text)

    def flush(self) -> None:
        left = memoryview("".join(self._waiting).encode(self._encoding, "replace"))
        self._waiting.clear()
        while left and not self._gone:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                self._gone = True
                self._on_gone()
