"""What `shammah models` and `shammah doctor` show of this room: rows and facts, no words around them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from shammah_tui import paths
from shammah_tui.bootstrap import cache, catalog, choice
from shammah_tui.bootstrap.hardware import Hardware, probe
from shammah_tui.bootstrap.prepare import DEMO_ID, DEMO_NAME, DEMO_QUANTIZATION, downloaded, for_device, partial_bytes
from shammah_tui.bootstrap.reach import Obstacle, endpoint, obstacle_to_hub
from shammah_tui.bootstrap.wish import Wish, WishKind, parse_wish
from shammah_tui.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One quantisation of one model. Sizes in bytes; the demo needs next to nothing and says 0."""

    id: str
    """What `--model` takes, the short form."""
    name: str
    quantization: str
    source: str
    """The hub name with its quantisation; empty for the demo."""
    size_bytes: int
    chat_bytes: int
    train_bytes: int
    is_downloaded: bool
    is_chosen: bool
    """What the present settings lead to."""
    fits: bool
    why_not: str
    licence: str
    licence_note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bootstrap finds on this machine."""

    hardware: Hardware
    endpoint: str
    obstacle: Obstacle | None
    """Why the hub cannot be had; None if it answers."""
    cache_folder: Path
    free_disk_bytes: int
    demo_is_there: bool


async def list_models(settings: Settings, *, hardware: Hardware | None = None) -> tuple[ModelRow, ...]:
    """A row for each quantisation of the catalog, and the demo last. Raises ModelError where the catalog cannot be
    read or the settings name no model."""
    machine = for_device(settings, hardware if hardware is not None else await asyncio.to_thread(probe))
    return await asyncio.to_thread(_rows, settings, machine)


async def facts(settings: Settings) -> Facts:
    """Look at machine, hub and cache. Takes up to a few seconds where the hub does not answer."""
    machine = await asyncio.to_thread(probe)
    return Facts(
        hardware=machine,
        endpoint=endpoint(),
        obstacle=await obstacle_to_hub(settings),
        cache_folder=cache.hub_cache_folder(),
        free_disk_bytes=machine.disk_free_bytes,
        demo_is_there=await asyncio.to_thread(paths.demo_model_gguf().is_file),
    )


def _rows(settings: Settings, machine: Hardware) -> tuple[ModelRow, ...]:
    known = catalog.load()
    here, begun = downloaded(known), partial_bytes(known)
    wish = parse_wish(settings.model.size, known)
    family = settings.model.family
    chosen = choice.choose(machine, known, wish, family=family, downloaded=here, partial_bytes=begun)
    rows = []
    for model in known.models:
        for artifact in model.artifact:
            why_not = choice.obstacle_to(machine, model, artifact, here, begun)
            rows.append(
                ModelRow(
                    id=model.id,
                    name=model.name,
                    quantization=artifact.quantization,
                    source=artifact.id,
                    size_bytes=artifact.size_bytes,
                    chat_bytes=model.chat_bytes(artifact),
                    train_bytes=model.train_bytes,
                    is_downloaded=artifact.id in here,
                    is_chosen=chosen.artifact == artifact,
                    fits=not why_not,
                    why_not=why_not,
                    licence=model.licence,
                    licence_note=model.licence_note,
                )
            )
    return (*rows, _demo_row(wish, chosen.is_demo))


def _demo_row(wish: Wish, is_chosen: bool) -> ModelRow:
    file = paths.demo_model_gguf()
    there = file.is_file()
    return ModelRow(
        id=DEMO_ID,
        name=DEMO_NAME,
        quantization=DEMO_QUANTIZATION,
        source="",
        size_bytes=file.stat().st_size if there else 0,
        chat_bytes=0,
        train_bytes=0,
        is_downloaded=there,
        is_chosen=is_chosen or wish.kind is WishKind.DEMO,
        fits=True,
        why_not="",
        licence="MIT",
    )
