"""llama.cpp's log: kept off the terminal, the last lines remembered for the hint of an error."""

from __future__ import annotations

import logging
from collections import deque

from shammah_tui.engine.library import native

log = logging.getLogger(__name__)

_ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR; 5 continues a line, such as the dots of a progress
_recent: deque[str] = deque(maxlen=40)


def _receive(level: int, text: bytes, _data: object) -> None:
    line = text.decode("utf-8", "replace").rstrip()
    if level == _ERROR_LEVEL and line:
        _recent.append(line)
    if line:
        log.debug("%s", line)


# ctypes keeps no reference to a callback: it must live as long as the library may call it.
_callback = native.llama_log_callback(_receive)


def install() -> None:
    """Takes over llama.cpp's log for this process and initialises its backends; safe to call again."""
    native.llama_log_set(_callback, None)
    native.llama_backend_init()


def forget() -> None:
    _recent.clear()


def last_errors(count: int = 3) -> str:
    """The last error lines since `forget`, joined; empty when llama.cpp said nothing."""
    return "; ".join(list(_recent)[-count:])
