"""The second layer under Bash: a command that was allowed runs where the system itself keeps it in bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Wrap = Callable[[Sequence[str]], Sequence[str]]
"""How a command's argv becomes the one that runs inside the sandbox."""


def bare(argv: Sequence[str]) -> Sequence[str]:
    """No sandbox: the command as it is."""
    return argv


class SandboxState(StrEnum):
    ON = "on"
    OFF = "off"
    MISSING = "missing"
    """It is wanted, and this machine has none: Bash is refused."""
    BROKEN = "broken"
    """It is wanted and there, and does not run: Bash is refused."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the screen shows of it (`state`, and `reason` in words), and how a command gets into it."""

    state: SandboxState
    reason: str = ""
    wrap: Wrap = bare

    @property
    def refuses(self) -> bool:
        """Whether commands must not run at all: a sandbox was asked for and is not there."""
        return self.state in (SandboxState.MISSING, SandboxState.BROKEN)


OFF = Sandbox(SandboxState.OFF, "commands run without one")
