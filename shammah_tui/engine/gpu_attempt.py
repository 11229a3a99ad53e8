"""A load on a GPU that its process does not survive, remembered so that the next one is not lost in the same way.

A driver that does not fit, kernels that the build lacks or a card that is full can end the process inside of the
library, where no error can be caught. So an attempt is noted before it begins and struck out when it is over, well or
badly; a note that still stands tells the next engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shammah_tui.engine.library import native
from shammah_tui.files import write_private


class GpuAttempt:
    """One model, with this very build of llama.cpp. `note`: the file; None notes nothing."""

    def __init__(self, note: Path | None, model: Path) -> None:
        self._note = note
        library = Path(native._lib._name)
        self._what = f"{library} {library.stat().st_mtime_ns}\n{model}\n".encode()

    def was_lost(self) -> bool:
        """Whether the last attempt at the same is not over, though nobody is at it."""
        try:
            return self._note is not None and self._note.read_bytes() == self._what
        except OSError:
            return False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Raises HomeError where the note cannot be written."""
        if self._note is None:
            yield
            return
        write_private(self._note, self._what)
        try:
            yield
        finally:
            self._note.unlink(missing_ok=True)
