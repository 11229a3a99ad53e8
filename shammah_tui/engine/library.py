"""llama.cpp's library, loaded with a wait policy that shares the machine. Every module here takes `native` from this.

Threads of GNU OpenMP spin while they wait for one another. On a machine that does something else besides (a build, the
tests this assistant just started) a spinning thread keeps the core from the very thread it waits for; one that sleeps
at once pays for each waking. A short spin has both: tokens a second of a 0.5B model on two cores, idle and with three
other busy processes, were 44 and 5 with the library's own count (300,000), 25 and 16 without spinning, 47 and 13 with
this one. It is read once, when the library is loaded, and taken back at once, so that no child process inherits it.
Builds with another OpenMP do not read it.
"""

from __future__ import annotations

import os
from typing import Any

_SPINS = "GOMP_SPINCOUNT"
_SPINS_SHORT = "1000"


def _load() -> Any:
    if _SPINS in os.environ or "OMP_WAIT_POLICY" in os.environ:
        from llama_cpp import llama_cpp

        return llama_cpp
    os.environ[_SPINS] = _SPINS_SHORT
    try:
        from llama_cpp import llama_cpp

        return llama_cpp
    finally:
        del os.environ[_SPINS]


native = _load()
