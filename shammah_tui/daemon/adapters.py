"""Which adapter answers: the one that the home's `adapters/current` names, or the one that a request asks for.

Nothing reaches llama.cpp that was not checked: the folder is whole and unchanged (its manifest's checksums), it was
made for the very file that is served, and its values are numbers; llama.cpp itself refuses another shape. An adapter
that does not belong to the loaded model is passed over in favour of the latest one in use before it that does, so
that after a change of the model the right one speaks, or none.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

from shammah_tui.engine.request import AdapterUse, Engine
from shammah_tui.errors import ModelError, RequestError, ShammahError
from shammah_tui.learning.adapter import AdapterRefused, sha256, verify_files
from shammah_tui.learning.store import By, Current, Entry, Store
from shammah_tui.wire import NO_ADAPTER, AdapterReport, AdaptersReport, AdapterSummary, RuleScope

log = logging.getLogger(__name__)

_WISH = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})(?:@([0-9.]{1,16}))?")
SCALE_MAX = 4.0


@dataclass(frozen=True, slots=True)
class Active:
    """An adapter that answers. `identity` is the sha256 of its GGUF."""

    name: str
    identity: str
    scale: float

    @property
    def label(self) -> str:
        return self.name if self.scale == 1 else f"{self.name}@{self.scale:g}"

    @property
    def use(self) -> AdapterUse:
        return AdapterUse(self.identity, self.scale)


class Adapters:
    """The adapters of the home beside one loaded engine. One event loop; what reads files runs in threads."""

    def __init__(self, store: Store, engine: Engine, model_sha256: str = "") -> None:
        self.active: Active | None = None
        self.problem = ""
        """Why the adapter that `current` names does not answer; empty where all is well."""
        self._store = store
        self._engine = engine
        self._model_sha256 = model_sha256
        self._checked: dict[str, tuple[object, str]] = {}
        """Identity by name, with the state of the files that it was found in."""
        self._seen: object = None
        self._by: By = "program"
        self._changing = asyncio.Lock()

    async def follow(self) -> bool:
        """Look whether `current` names another one than before, and take that; true where something changed."""
        async with self._changing:
            seen = await asyncio.to_thread(_state_of, self._store.folder / "current")
            if seen == self._seen:
                return False
            before = self.active, self.problem
            self.active, self.problem = await asyncio.to_thread(self._named_by_pointer)
            self._seen = seen
            return before != (self.active, self.problem)

    async def chosen(self, wish: str) -> Active | None:
        """The adapter of one request: `wish` is "" (the active one), "none", NAME or NAME@SCALE; it is in the engine's
        memory when this returns. Raises RequestError."""
        if wish == NO_ADAPTER:
            return None
        if not wish:
            await self.follow()
            if (active := self.active) is not None:
                # Asked for anew each time: the engine lets go of what was not asked for of late.
                path = self._store.folder / active.name / "adapter.gguf"
                await asyncio.to_thread(self._engine.load_adapter, path, active.identity)
            return active
        return await asyncio.to_thread(self._wished, wish)

    async def use(self, name: str | None, scale: float, by: By = "person") -> AdapterReport:
        """Make `name` the active one, None the base alone. Raises RequestError; then all stays as it was."""
        began = time.perf_counter()
        if name is None:
            await asyncio.to_thread(self._store.off, by)
        else:
            await asyncio.to_thread(self._wished, f"{name}@{scale:g}")
            await asyncio.to_thread(self._store.use, name, scale, by)
        await self.follow()
        return self.report((time.perf_counter() - began) * 1000)

    def report(self, swap_ms: float = 0.0) -> AdapterReport:
        active = self.active
        return AdapterReport(
            name=active.name if active else None,
            scale=active.scale if active else 1.0,
            sha256=active.identity if active else "",
            by=self._by,
            problem=self.problem,
            swap_ms=round(swap_ms, 3),
        )

    async def listed(self) -> AdaptersReport:
        await self.follow()
        return AdaptersReport(active=self.report(), adapters=await asyncio.to_thread(self._summaries))

    def _summaries(self) -> tuple[AdapterSummary, ...]:
        return tuple(
            AdapterSummary(
                name=entry.name,
                base=entry.base,
                created=entry.created,
                size_bytes=entry.size_bytes,
                rules=tuple(entry.rules),
                scopes=tuple(RuleScope(**scope.model_dump()) for scope in entry.scopes),
                fits=not entry.problem and self._fits(entry),
                current=entry.is_current,
                problem=entry.problem,
            )
            for entry in self._store.entries()
        )

    def _named_by_pointer(self) -> tuple[Active | None, str]:
        try:
            current = self._store.current()
            self._by = current.by
            entry, scale, problem = self._for_this_model(current)
            if entry is None:
                return None, problem
            return self._loaded(entry, scale), problem
        except ShammahError as error:
            log.warning("the base answers alone: %s", error.message)
            return None, error.message

    def _for_this_model(self, current: Current) -> tuple[Entry | None, float, str]:
        """Of the adapter in use and those before it, the first that was made for the model that is served."""
        if not current.name:
            return None, 1.0, ""
        entry = self._store.find(current.name)
        if entry.problem or self._fits(entry):
            return entry, current.scale, ""
        problem = f"{entry.name} belongs to another base ({entry.base})."
        for name in reversed(current.before):
            if name and (self._store.folder / name).is_dir():
                earlier = self._store.find(name)
                if not earlier.problem and self._fits(earlier):
                    return earlier, 1.0, problem
        return None, 1.0, problem

    def _wished(self, wish: str) -> Active:
        match = _WISH.fullmatch(wish)
        try:
            scale = float(match[2] or 1) if match else 0.0
        except ValueError:
            scale = 0.0
        if match is None or not 0 < scale <= SCALE_MAX:
            raise RequestError(
                f'"{wish[:100]}" names no adapter.',
                f"Write NAME, NAME@SCALE with a scale above 0 and at most {SCALE_MAX:g}, or {NO_ADAPTER}.",
                param="adapter",
            )
        try:
            entry = self._store.find(match[1])
            if not entry.problem and not self._fits(entry):
                raise AdapterRefused(f"{entry.name} belongs to another base ({entry.base}).")
            return self._loaded(entry, scale)
        except (AdapterRefused, ModelError) as error:
            raise RequestError(error.message, error.hint, status=409, param="adapter") from error
        except ShammahError as error:
            raise RequestError(error.message, error.hint, status=404, param="adapter") from error

    def _loaded(self, entry: Entry, scale: float) -> Active:
        """Checked, and in the engine's memory. Raises AdapterRefused, ModelError, EngineError."""
        path = entry.folder / "adapter.gguf"
        state = _state_of(path), _state_of(entry.folder / "manifest.json")
        known = self._checked.get(entry.name)
        if known is not None and known[0] == state:
            identity = known[1]
        else:
            identity = str(verify_files(entry.folder)["sha256"]["adapter.gguf"])
            check_numbers(path)
        self._engine.load_adapter(path, identity)
        self._checked[entry.name] = (state, identity)
        return Active(entry.name, identity, scale)

    def _fits(self, entry: Entry) -> bool:
        if not self._model_sha256:
            self._model_sha256 = sha256(self._engine.model.path)
        return bool(entry.manifest["base"]["gguf_sha256"] == self._model_sha256)


def check_numbers(path: Path) -> None:
    """Raises AdapterRefused where a GGUF adapter cannot be read, or holds values that are no finite numbers."""
    import gguf
    import numpy as np

    try:
        reader = gguf.GGUFReader(path)
        tensors = [(tensor.name, tensor.tensor_type, tensor.data) for tensor in reader.tensors]
    except (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise AdapterRefused(f"{path.parent.name} has an adapter.gguf that cannot be read.") from error
    for name, kind, values in tensors:
        if kind not in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            raise AdapterRefused(f"{path.parent.name} holds values of a kind that is not used here: {kind.name}.")
        if not np.isfinite(values).all():
            raise AdapterRefused(f"{path.parent.name} holds values that are no numbers, in {name}.")


def _state_of(path: Path) -> object:
    """Changes with the file, however it was replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
