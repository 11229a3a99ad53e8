"""From a wish to a model file on this disk, told as states: the one entrance of this room.

Loading is the engine's matter: what comes last is a `ModelFile`, or a state that says why there is none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from shammah_tui import paths
from shammah_tui.bootstrap.hardware import Hardware
from shammah_tui.config.settings import Settings
from shammah_tui.events import BootstrapState, ModelSummary, Phase


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that is whole and verified on this disk. Of a model in several parts, `path` is the first."""

    path: Path
    summary: ModelSummary


async def prepare(
    settings: Settings, wish: str = "", *, hardware: Hardware | None = None
) -> AsyncIterator[BootstrapState | ModelFile]:
    """Yield what happens on the way to a model file. The last value is a ModelFile, or a state in FAILED or
    NOT_AVAILABLE. `wish` is what `--model` takes; empty means the settings' `model.size`."""
    wish = wish or settings.model.size
    yield BootstrapState(Phase.INITIALIZING)
    if wish not in ("auto", "demo"):
        file = Path(wish).expanduser()
        if not file.is_file():
            yield BootstrapState(Phase.FAILED, reason=f"There is no file {file}.")
            return
        summary = ModelSummary(wish, file.stem, "it was asked for", file.name, size_bytes=file.stat().st_size)
        yield ModelFile(file, summary)
        return
    demo = paths.demo_model_gguf()
    if not demo.is_file():
        yield BootstrapState(Phase.NOT_AVAILABLE, reason="The demo model is missing.")
        return
    summary = ModelSummary(
        "demo", "Shammah demo", "it was asked for", demo.name, "Q8_0", demo.stat().st_size, is_demo=True
    )
    yield ModelFile(demo, summary)
