"""Which sandbox this machine has, whether it works, and how a command gets into it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shammah_tui.tools.permission.need import NOTHING, Need
from shammah_tui.tools.sandbox import bubblewrap, seatbelt
from shammah_tui.tools.sandbox.ground import Ground

Choice = Literal["auto", "on", "off"]
_PROBE_SECONDS = 10.0
_PROBE_STATUS = 42


class SandboxState(StrEnum):
    ON = "on"
    OFF = "off"
    MISSING = "missing"
    """It is set to be on, and this machine has none: Bash is refused."""
    BROKEN = "broken"
    """It is set to be on and is there, and does not run: Bash is refused."""


Wrap = Callable[[Sequence[str], Need], Sequence[str]]
"""How a command's argv becomes the one that runs inside the sandbox, with no more than it needs."""


def _bare(argv: Sequence[str], need: Need) -> Sequence[str]:
    return argv


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the screen shows of it (`state`, and `reason` in words), and how a command gets into it."""

    state: SandboxState
    reason: str = ""
    wrap: Wrap = _bare

    @property
    def is_on(self) -> bool:
        return self.state is SandboxState.ON

    @property
    def refuses(self) -> bool:
        """Whether commands must not run at all: a sandbox was asked for and is not there."""
        return self.state in (SandboxState.MISSING, SandboxState.BROKEN)

    def reach(self, need: Need) -> str:
        """What a command with this need could touch, in words for the person."""
        if not self.is_on:
            return f"without a sandbox: {self.reason}"
        return f"inside the sandbox, with {need}" if need else "inside the sandbox, without the network"


OFF = Sandbox(SandboxState.OFF, "commands run without one")


def choose(choice: Choice, ground: Ground, platform: str = sys.platform) -> Sandbox:
    """The sandbox of this machine. Starts one short command to see that it works."""
    if choice == "off":
        return Sandbox(SandboxState.OFF, "it is switched off in the settings")
    state, reason, wrap = _find(ground, platform)
    if state is SandboxState.ON or choice == "on":
        return Sandbox(state, reason, wrap)
    return Sandbox(SandboxState.OFF, reason)


def _find(ground: Ground, platform: str) -> tuple[SandboxState, str, Wrap]:
    if platform == "linux":
        program, name, wrapped, advice = bubblewrap.program(), "bubblewrap", bubblewrap.wrapped, bubblewrap.ADVICE
    elif platform == "darwin":
        program, name, wrapped, advice = seatbelt.program(), "sandbox-exec", seatbelt.wrapped, seatbelt.ADVICE
    else:
        return SandboxState.MISSING, f"there is none for {platform}", _bare
    if program is None:
        return SandboxState.MISSING, f"{name} is not installed; {advice}", _bare

    def wrap(argv: Sequence[str], need: Need) -> Sequence[str]:
        os.makedirs(f"{ground.cache}/tmp", mode=0o700, exist_ok=True)  # noqa: PTH103  a string is what the ground has
        return wrapped(program, argv, ground, need)

    trouble = _probe(wrapped(program, ["/bin/sh", "-c", f"exit {_PROBE_STATUS}"], ground, NOTHING))
    if trouble:
        return SandboxState.BROKEN, f"{name} does not run here: {trouble}", _bare
    return SandboxState.ON, name, wrap


def _probe(argv: Sequence[str]) -> str:
    """What is wrong with it; empty where the command inside ran."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if done.returncode == _PROBE_STATUS:
        return ""
    return done.stderr.strip().split("\n")[-1] or f"it ended with {done.returncode}"
