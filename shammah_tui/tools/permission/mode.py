"""The permission mode. Apart from `decision`, because the first picture of the screen shows it."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What the person chose by Shift+Tab. `AUTO` counts only inside the sandbox; without one it is `ACCEPT_EDITS`."""

    ASK = "ask"
    ACCEPT_EDITS = "accept edits"
    PLAN = "plan"
    AUTO = "auto"

    @classmethod
    def named(cls, text: str) -> Mode:
        """The mode as settings and flags spell it, with a hyphen for the blank. Raises ValueError."""
        return cls(text.replace("-", " "))

    @property
    def following(self) -> Mode:
        """The one that Shift+Tab goes on to."""
        modes = list(Mode)
        return modes[(modes.index(self) + 1) % len(modes)]
