"""From a wish to a model file on this disk, told as states: the one entrance of this room.

Loading is the engine's matter: what comes last is a `ModelFile`, or a state that says why there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from shammah_tui import paths
from shammah_tui.bootstrap import cache, catalog, choice, download, ledger
from shammah_tui.bootstrap.catalog import Artifact, Catalog, CatalogModel
from shammah_tui.bootstrap.check import Damaged, check, inspect
from shammah_tui.bootstrap.choice import Choice
from shammah_tui.bootstrap.download import Downloaded, Downloading
from shammah_tui.bootstrap.hardware import Hardware, probe
from shammah_tui.bootstrap.hub.protocol import Request
from shammah_tui.bootstrap.hub.selection import select
from shammah_tui.bootstrap.reach import Obstacle, obstacle_to_hub
from shammah_tui.bootstrap.wish import GGUF, WishKind, parse_wish
from shammah_tui.config.settings import Settings
from shammah_tui.errors import DownloadError, ModelError
from shammah_tui.events import BootstrapState, ModelSummary, Phase, Progress

# So often in a row may nothing come before a download is given up.
ATTEMPTS = 5
DEMO_ID = "demo"
DEMO_NAME = "Shammah demo"
DEMO_QUANTIZATION = "Q8_0"
GET_MODEL = "A real model is downloaded as soon as the hub can be reached: --model auto."


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that is whole and verified on this disk. Of a model in several parts, `path` is the first."""

    path: Path
    summary: ModelSummary
    model: CatalogModel | None = field(default=None, repr=False)
    """What the catalog knows of it; None for the demo and for files outside the catalog."""
    sha256: str = ""
    """Of the first part; empty for the demo and for a path that was given."""
    stands_in: bool = False
    """For the one that was wished for, which cannot be had now: the same wish may lead further later."""


Step = BootstrapState | ModelFile


async def prepare(settings: Settings, wish: str = "", *, hardware: Hardware | None = None) -> AsyncGenerator[Step]:
    """Yield what happens on the way to a model file. The last value is a ModelFile, or a state in FAILED or
    NOT_AVAILABLE. `wish` is what `--model` takes; empty means the settings' `model.size`.

    Without the hub "auto" gives what is there, if need be the demo; what was asked for by name is had or refused.
    """
    yield BootstrapState(Phase.INITIALIZING)
    try:
        known = catalog.load()
        wanted = parse_wish(wish or settings.model.size, known)
        machine = for_device(settings, hardware if hardware is not None else await asyncio.to_thread(probe))
        here, begun = await asyncio.to_thread(lambda: (downloaded(known), partial_bytes(known)))
        family = settings.model.family
        chosen = choice.choose(machine, known, wanted, family=family, downloaded=here, partial_bytes=begun)
        async with aclosing(_Way(settings, known, machine, chosen, here).steps()) as steps:
            async for step in steps:
                yield step
    except ModelError as error:
        yield BootstrapState(Phase.FAILED, reason=error.message, hint=error.hint)


def downloaded(known: Catalog) -> dict[str, tuple[Path, ...]]:
    """The artifacts of the catalog that are in the cache at full length: their files by artifact id."""
    found = {}
    for model in known.models:
        for artifact in model.artifact:
            revision = artifact.revision or ledger.pinned(artifact.repo)
            # Another program may have fetched the same file by another commit; only its hash can tell.
            for files, must_promise in (
                (cache.find(artifact.repo, artifact.names, revision), False),
                (cache.find(artifact.repo, artifact.names), True),
            ):
                if files and _is_same(files, artifact, must_promise):
                    found[artifact.id] = files
                    break
    return found


def partial_bytes(known: Catalog) -> dict[str, int]:
    """What an interrupted download left of each artifact, and whole parts of it, in bytes by artifact id."""
    found = {
        artifact.id: sum(cache.blob_bytes(artifact.repo, file.sha256, file.size_bytes) for file in artifact.files)
        for model in known.models
        for artifact in model.artifact
    }
    return {name: size for name, size in found.items() if size}


def _is_same(files: tuple[Path, ...], artifact: Artifact, must_promise: bool) -> bool:
    """Whether these can be the files of `artifact`: their lengths, and what the cache promises of their hashes."""
    for path, file in zip(files, artifact.files, strict=True):
        promised = cache.expected_sha256(path)
        if path.stat().st_size != file.size_bytes or ((promised or must_promise) and promised != file.sha256):
            return False
    return True


def for_device(settings: Settings, machine: Hardware) -> Hardware:
    """The machine as the engine will use it: without its cards where the processor was asked for, or where the
    llama.cpp that is installed cannot use them."""
    return machine if machine.gpus_usable and settings.model.device != "cpu" else replace(machine, gpus=())


@dataclass(frozen=True, slots=True)
class _Way:
    """One wish on its way; the fields are what was found out before anything is fetched."""

    settings: Settings
    known: Catalog
    machine: Hardware
    chosen: Choice
    here: dict[str, tuple[Path, ...]]

    def steps(self) -> AsyncGenerator[Step]:
        match self.chosen.wish.kind:
            case WishKind.DEMO:
                return self._demo(self.chosen.reason)
            case WishKind.PATH:
                return self._path()
            case WishKind.AUTO:
                return self._automatic()
            case _:
                return self._named()

    async def _demo(self, reason: str, hint: str = "") -> AsyncGenerator[Step]:
        file = paths.demo_model_gguf()
        if not await asyncio.to_thread(file.is_file):
            why = f"There is no model: {reason}, and the demo model is missing ({file})."
            yield BootstrapState(Phase.NOT_AVAILABLE, reason=why, hint=hint or GET_MODEL)
            return
        size_bytes = (await asyncio.to_thread(file.stat)).st_size
        summary = ModelSummary(DEMO_ID, DEMO_NAME, reason, file.name, DEMO_QUANTIZATION, size_bytes, is_demo=True)
        if hint:
            yield BootstrapState(Phase.INITIALIZING, summary, reason=f"The demo model answers: {reason}.", hint=hint)
        yield ModelFile(file, summary, stands_in=bool(hint))

    async def _path(self) -> AsyncGenerator[Step]:
        wish = self.chosen.wish
        file, size_bytes = await asyncio.to_thread(inspect, wish.path)
        yield ModelFile(file, ModelSummary(str(file), file.stem, self.chosen.reason, file.name, size_bytes=size_bytes))

    async def _automatic(self) -> AsyncGenerator[Step]:
        model, artifact = self.chosen.model, self.chosen.artifact
        if model is None or artifact is None:
            obstacle: Obstacle | None = Obstacle(self.chosen.reason, "")
        else:
            async for step in self._present(model, artifact, self._summary()):
                yield step
                if isinstance(step, ModelFile):
                    return
            obstacle = await obstacle_to_hub(self.settings)
        if obstacle is None:
            async with aclosing(self._download()) as steps:
                async for step in steps:
                    yield step
            return
        # As often as it takes: one that turns out to be damaged is here no longer.
        while other := choice.fallback(self.machine, self.known, self.settings.model.family, self.here):
            reason = f"{obstacle.reason}, and this one is downloaded already"
            async for step in self._present(*other, _summary(*other, reason)):
                if isinstance(step, ModelFile):
                    yield replace(step, stands_in=True)
                    return
                yield step
        why = f"{obstacle.reason} and nothing is downloaded yet" if obstacle.hint else obstacle.reason
        async for step in self._demo(why, f"{obstacle.hint} {GET_MODEL}".strip()):
            yield step

    async def _named(self) -> AsyncGenerator[Step]:
        """What was asked for by name: it, or a reason; never another model."""
        model, artifact = self.chosen.model, self.chosen.artifact
        if model is not None and artifact is not None:
            async for step in self._present(model, artifact, self._summary()):
                yield step
                if isinstance(step, ModelFile):
                    return
        elif (found := await asyncio.to_thread(self._outside_catalog)) is not None:
            yield found
            return
        obstacle = await obstacle_to_hub(self.settings)
        if obstacle is not None:
            here = ", ".join(self.here) or "nothing"
            yield BootstrapState(
                Phase.NOT_AVAILABLE,
                self._summary(),
                reason=f"{self._summary().id} is not downloaded, and {obstacle.reason}.",
                hint=f"{obstacle.hint} On this disk: {here}. The demo always works: --model demo.",
            )
            return
        async with aclosing(self._download()) as steps:
            async for step in steps:
                yield step

    async def _present(self, model: CatalogModel, artifact: Artifact, summary: ModelSummary) -> AsyncGenerator[Step]:
        """The files of the cache, if they are there; checked if nobody did yet. Damaged ones are deleted and said, and
        then no ModelFile comes."""
        files, checked_bytes = self.here.get(artifact.id, ()), 0
        for path, file in zip(files, artifact.files, strict=False):
            try:
                async with aclosing(check(path, file)) as sizes:
                    async for size in sizes:
                        progress = Progress(file.name, checked_bytes + size, artifact.size_bytes)
                        yield BootstrapState(Phase.INITIALIZING, summary, progress, "Checking the file once.")
            except Damaged as error:
                del self.here[artifact.id]
                yield BootstrapState(Phase.INITIALIZING, summary, reason=error.message)
                return
            checked_bytes += file.size_bytes
        if files:
            yield ModelFile(files[0], summary, model, artifact.files[0].sha256 or cache.expected_sha256(files[0]))

    def _outside_catalog(self) -> ModelFile | None:
        """A repository that the catalog has not, as an earlier run left it: verified then, and untouched since."""
        wish = self.chosen.wish
        snapshot = cache.repo_folder(wish.text) / "snapshots" / (ledger.pinned(wish.text) or "none")
        sizes = {
            path.relative_to(snapshot).as_posix(): path.stat().st_size
            for path in sorted(snapshot.rglob(f"*{GGUF}"))
            if path.is_file()
        }
        names = select(tuple(sizes), sizes, wish.selector)
        files = tuple(snapshot / name for name in names)
        if not files or not all(ledger.is_verified(file, cache.expected_sha256(file)) for file in files):
            return None
        summary = replace(self._summary(), file=files[0].name, size_bytes=sum(sizes[name] for name in names))
        return ModelFile(files[0], summary, sha256=cache.expected_sha256(files[0]))

    async def _download(self) -> AsyncGenerator[Step]:
        summary, artifact, wish = self._summary(), self.chosen.artifact, self.chosen.wish
        repo = artifact.repo if artifact else wish.text
        # A file that the catalog has not, of a repository that it has, is taken of the same version.
        revision = artifact.revision if artifact else self.known.revision_of(repo)
        request = Request(
            repo=repo,
            revision=revision or await asyncio.to_thread(ledger.pinned, repo),
            files=artifact.files if artifact else (),
            selector=wish.selector,
            attempts=ATTEMPTS,
        )
        yield BootstrapState(Phase.DOWNLOADING, summary, Progress(summary.file, 0, summary.size_bytes))
        try:
            async with aclosing(download.download(request)) as events:
                async for event in events:
                    match event:
                        case Downloading():
                            yield BootstrapState(Phase.DOWNLOADING, summary, event.progress, event.notice)
                        case Downloaded():
                            await asyncio.to_thread(ledger.pin, repo, event.revision)
                            size_bytes = sum(file.size_bytes for file in event.files)
                            summary = replace(summary, file=event.paths[0].name, size_bytes=size_bytes)
                            yield ModelFile(event.paths[0], summary, self.chosen.model, event.files[0].sha256)
        except DownloadError as error:
            hint = f"{error.hint} Meanwhile: --model demo." if wish.kind is WishKind.AUTO else error.hint
            yield BootstrapState(Phase.FAILED, summary, reason=error.message, hint=hint)

    def _summary(self) -> ModelSummary:
        model, artifact, wish = self.chosen.model, self.chosen.artifact, self.chosen.wish
        if model is not None and artifact is not None:
            note = f" ({self.chosen.licence_note})" if self.chosen.licence_note else ""
            return _summary(model, artifact, self.chosen.reason + note)
        name = f"{wish.text}:{wish.selector}" if wish.selector else wish.text
        return ModelSummary(name, wish.text, self.chosen.reason, quantization=wish.selector)


def _summary(model: CatalogModel, artifact: Artifact, reason: str) -> ModelSummary:
    file = artifact.files[0].name
    return ModelSummary(artifact.id, model.name, reason, file, artifact.quantization, artifact.size_bytes)
