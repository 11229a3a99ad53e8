"""llama.cpp's library, loaded with a wait policy that shares the machine. Every module here takes `native` from this.

Threads of GNU OpenMP spin while they wait for one another. On a machine that does something else besides (a build, the
tests this assistant just started) a spinning thread keeps the core from the very thread it waits for: a token of a
0.5B model took 270 ms instead of 73 on two busy cores. The policy is read once, when the library is loaded; it is
taken back at once, so that no child process inherits it. Other platforms' builds do not read it.
"""

from __future__ import annotations

import os
from typing import Any

_POLICY = "OMP_WAIT_POLICY"


def _load() -> Any:
    if _POLICY in os.environ or "GOMP_SPINCOUNT" in os.environ:
        from llama_cpp import llama_cpp

        return llama_cpp
    os.environ[_POLICY] = "PASSIVE"
    try:
        from llama_cpp import llama_cpp

        return llama_cpp
    finally:
        del os.environ[_POLICY]


native = _load()
