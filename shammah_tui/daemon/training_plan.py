"""Whether a run may begin, and with what: base, rows, arguments, memory; the served model makes room where it must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from shammah_tui.config.settings import Settings
from shammah_tui.errors import ModelError, RequestError
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.estimate import Estimate, estimate
from shammah_tui.learning.memory import MemoryShort
from shammah_tui.learning.rows import read_rows
from shammah_tui.learning.run import find_gguf
from shammah_tui.wire import TrainRequest

UNLOADED = "Training needs the memory; the model comes back when it is done."


class Host(Protocol):
    """The `Service` that trains."""

    settings: Settings

    def stay(self) -> AbstractContextManager[None]:
        """The process is needed as long as this is open."""

    @property
    def served(self) -> Path | None:
        """The GGUF of the loaded model."""

    @property
    def served_adapter(self) -> str: ...

    async def set_aside(self, reason: str) -> Callable[[], None]:
        """Unload the model to make room; what is returned brings it back."""

    async def activate(self, name: str) -> dict[str, Any]:
        """Take an adapter into use; what is to be told of it. Raises RequestError where it does not belong here."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run that was planned and may begin."""

    folder: Path
    base: Path
    model: Path
    arguments: TrainArguments
    estimate: Estimate
    bring_back: Callable[[], None] | None
    """Where the served model was unloaded for it."""


async def plan(host: Host, request: TrainRequest, folder: Path) -> Job:
    """Raises ShammahError where the run cannot be made: base, rows, arguments, memory."""
    served = host.served
    arguments = _arguments(host.settings, request)
    base, model = await asyncio.to_thread(_base, request.base, served)
    rows = await asyncio.to_thread(read_rows, folder / "rows.jsonl")
    try:
        return Job(folder, base, model, arguments, await asyncio.to_thread(estimate, base, rows, arguments), None)
    except MemoryShort:
        if served is None:
            raise
    bring_back = await host.set_aside(UNLOADED)
    try:
        found = await asyncio.to_thread(estimate, base, rows, arguments)
    except BaseException:
        bring_back()
        raise
    return Job(folder, base, model, arguments, found, bring_back)


def _base(asked: str, served: Path | None) -> tuple[Path, Path]:
    """The folder of the weights, and the GGUF that was made of them."""
    if asked:
        base = Path(asked).expanduser().absolute()
        return base, find_gguf(base)
    if served is None:
        raise ModelError("No model is loaded, so there is nothing to train.", "Wait until it is ready.")
    if not (served.parent / "config.json").is_file() or not list(served.parent.glob("*.safetensors")):
        raise ModelError(
            f"The weights that {served.stem} was made from are not beside it, and training needs them.",
            "Name a folder with config.json, model.safetensors and the GGUF as the base.",
        )
    return served.parent.absolute(), served.absolute()


def _arguments(settings: Settings, request: TrainRequest) -> TrainArguments:
    """The settings' and above them the request's. Raises RequestError for a name or a value that is none."""
    lora = settings.lora
    given: dict[str, Any] = {
        "rank": lora.rank,
        "alpha": lora.alpha,
        "learning_rate": lora.learning_rate,
        "steps": lora.steps,
        "batch_rows": lora.batch_size,
        "high_weight": lora.high_weight,
        "medium_weight": lora.medium_weight,
        "normal_weight": lora.normal_weight,
    }
    known = asdict(TrainArguments())
    for name, value in request.arguments.items():
        if name not in known:
            raise RequestError(f'Training has no argument "{name[:64]}".', "", param="arguments")
        try:
            given[name] = type(known[name])(value)
        except ValueError as error:
            raise RequestError(f"{name} cannot be {value!r}.", "", param="arguments") from error
    return TrainArguments(**given)
