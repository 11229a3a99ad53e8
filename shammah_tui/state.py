"""How the engine is doing, as frozen values: what the first picture of the screen shows. All that happens to it, and
everything else that happens, is in `events`, which takes longer to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where the engine stands on its way to a model that answers. The transitions are in `bootstrap.state`."""

    INITIALIZING = "initializing"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    NOT_AVAILABLE = "not_available"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is. `bytes_per_second` is 0.0 until it is known."""

    file: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        if self.bytes_per_second <= 0:
            return None
        return max(0.0, (self.total_bytes - self.done_bytes) / self.bytes_per_second)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The model that was chosen, as a person is told of it."""

    id: str
    """What `--model` takes to get exactly this one: "demo", a hub name, or a path."""
    name: str
    reason: str
    """Why this one was chosen, in a sentence."""
    file: str = ""
    quantization: str = ""
    size_bytes: int = 0
    context_tokens: int = 0
    """0 until it is loaded."""
    device: str = ""
    """"cpu", "metal" or "cuda"; empty until it is loaded."""
    is_demo: bool = False
    adapter: str = ""
    """The adapter that answers, with its scale where that is not 1; empty for the base alone."""


@dataclass(frozen=True, slots=True)
class BootstrapState:
    """One state of the bootstrap. `reason` and `hint` are filled in `FAILED` and `NOT_AVAILABLE`, and may carry a
    notice in the others (a fallback to the CPU, say)."""

    phase: Phase
    model: ModelSummary | None = None
    progress: Progress | None = None
    reason: str = ""
    hint: str = ""
