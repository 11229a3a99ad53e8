"""Which model this machine gets: a wish is parsed, then one is chosen. Pure: nothing here looks at disk or network.

"auto" goes by the memory tiers of the catalog (8 / 16 / 32 / 64 GB take 1.5B / 3B / 7B / 14B), or by what fits wholly
into graphics memory where that is more. The tiers are lower than what would just fit: an editor, a browser and a
training run need their share. What a person names is taken even if it looks too large; the reason says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from shammah_tui.bootstrap.catalog import Artifact, Catalog, CatalogModel, Family
from shammah_tui.bootstrap.hardware import Hardware
from shammah_tui.bootstrap.wish import Wish, WishKind, available
from shammah_tui.errors import ModelError

GIBIBYTE = 1024**3
GIGABYTE = 10**9

# Firmware and integrated graphics take their part: a machine sold with 16 GB reports 15.2 GiB, and some 13.9.
TIER_TOLERANCE = 0.8
# Of the whole memory; the system and the other programs keep the rest. Metal's own limit is of the same order.
RAM_SHARE = 0.7
# The screen, and the fragments that an allocator leaves, take theirs.
VRAM_SHARE = 0.85
# Left free beside the files, so that a download does not fill the disk to the brim.
DISK_RESERVE_BYTES = GIGABYTE
_NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Alternative:
    """A catalog model that was not taken. `why` says what speaks against it, or what it would need."""

    model: CatalogModel
    artifact: Artifact
    fits: bool
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided. `model` and `artifact` are None for the demo, a path, and a repository outside the catalog."""

    wish: Wish
    reason: str
    model: CatalogModel | None = None
    artifact: Artifact | None = None
    fits: bool = True
    licence_note: str = ""
    alternatives: tuple[Alternative, ...] = ()

    @property
    def is_demo(self) -> bool:
        """Nothing of the catalog fits, or the demo was asked for."""
        return self.artifact is None and self.wish.kind in (WishKind.AUTO, WishKind.DEMO)


def choose(
    hardware: Hardware,
    catalog: Catalog,
    wish: Wish,
    *,
    family: Family = "coder",
    downloaded: Collection[str] = (),
    partial_bytes: Mapping[str, int] = _NOTHING,
) -> Choice:
    """Decide for this machine. `downloaded` holds the ids of artifacts that need no more disk, `partial_bytes` how much
    of others is there already.

    Raises ModelError where the wish names a model that the catalog has not.
    """
    if wish.kind in (WishKind.DEMO, WishKind.PATH):
        return Choice(wish, "it was asked for")
    if wish.kind is WishKind.AUTO:
        return _automatic(hardware, catalog, wish, family, downloaded, partial_bytes)
    model = _named(catalog, wish, family)
    if model is None:
        return Choice(wish, "it was asked for; it is not in the catalog, so nothing is known of what it needs")
    artifact = _artifact_for(hardware, model, wish)
    if artifact is None:
        there = replace(wish, text=model.artifact[0].repo)
        return Choice(there, "it was asked for; this file of it is not in the catalog")
    obstacle = obstacle_to(hardware, model, artifact, downloaded, partial_bytes)
    reason = f"it was asked for, although {obstacle}" if obstacle else "it was asked for"
    others = _alternatives(hardware, catalog, model, downloaded, partial_bytes)
    return Choice(wish, reason, model, artifact, not obstacle, _licence(model), others)


def obstacle_to(
    hardware: Hardware,
    model: CatalogModel,
    artifact: Artifact,
    downloaded: Collection[str] = (),
    partial_bytes: Mapping[str, int] = _NOTHING,
) -> str:
    """Why this artifact does not fit, as a clause; empty if it does. `downloaded`, `partial_bytes`: as in `choose`."""
    needed = model.chat_bytes(artifact)
    room = max(RAM_SHARE * hardware.ram_bytes, VRAM_SHARE * hardware.vram_bytes)
    if needed > room:
        return f"it needs {gigabytes(needed)}; a model may take {gigabytes(room)} of {_memory(hardware)}"
    space = artifact.size_bytes - partial_bytes.get(artifact.id, 0) + DISK_RESERVE_BYTES
    if artifact.id not in downloaded and 0 < hardware.disk_free_bytes < space:
        more = " more" if artifact.id in partial_bytes else ""
        return f"it needs {gigabytes(space)}{more} of disk and {gigabytes(hardware.disk_free_bytes)} are free"
    return ""


def gigabytes(size_bytes: float) -> str:
    return f"{size_bytes / GIGABYTE:.1f} GB"


def fallback(
    hardware: Hardware, catalog: Catalog, family: Family, downloaded: Collection[str]
) -> tuple[CatalogModel, Artifact] | None:
    """The best artifact that is here already and fits: the preferred family first, then the larger model."""
    here = [
        (model, artifact)
        for model in catalog.models
        for artifact in model.artifact
        if artifact.id in downloaded and not obstacle_to(hardware, model, artifact, downloaded)
    ]
    return max(
        here,
        key=lambda pair: (pair[0].family == family, pair[0].automatic, pair[0].parameters, pair[1].size_bytes),
        default=None,
    )


def _automatic(
    hardware: Hardware,
    catalog: Catalog,
    wish: Wish,
    family: Family,
    downloaded: Collection[str],
    partial_bytes: Mapping[str, int],
) -> Choice:
    own = [model for model in catalog.models if model.automatic and model.family == family]
    candidates = [model for model in own if _is_recommended(hardware, model) or _fits_vram(hardware, model)]
    for model in sorted(candidates, key=lambda model: model.parameters, reverse=True):
        artifact = _best_fitting(hardware, model, downloaded, partial_bytes)
        if artifact is not None:
            needed = gigabytes(model.chat_bytes(artifact))
            reason = f"the usual one for a machine with {_memory(hardware)}; it needs {needed} to answer"
            others = _alternatives(hardware, catalog, model, downloaded, partial_bytes)
            return Choice(wish, reason, model, artifact, True, _licence(model), others)
    smallest = min(own, key=lambda model: model.parameters, default=None)
    why = "the catalog is empty"
    if smallest:
        why = obstacle_to(hardware, smallest, smallest.artifact[-1], downloaded, partial_bytes)
    others = _alternatives(hardware, catalog, None, downloaded, partial_bytes)
    return Choice(wish, f"no downloadable model fits: {why}", alternatives=others)


def _is_recommended(hardware: Hardware, model: CatalogModel) -> bool:
    tier = model.recommended_ram_gb
    return tier is not None and hardware.ram_bytes >= TIER_TOLERANCE * tier * GIBIBYTE


def _fits_vram(hardware: Hardware, model: CatalogModel) -> bool:
    return any(model.chat_bytes(artifact) <= VRAM_SHARE * hardware.vram_bytes for artifact in model.artifact)


def _best_fitting(
    hardware: Hardware, model: CatalogModel, downloaded: Collection[str], partial_bytes: Mapping[str, int] = _NOTHING
) -> Artifact | None:
    fitting = (one for one in model.artifact if not obstacle_to(hardware, model, one, downloaded, partial_bytes))
    return next(fitting, None)


def _named(catalog: Catalog, wish: Wish, family: Family) -> CatalogModel | None:
    if wish.kind is WishKind.HUB:
        return catalog.by_repo(wish.text)
    named = catalog.by_id(wish.text) if wish.kind is WishKind.MODEL else catalog.by_size(wish.text, family)
    if named is None:
        raise ModelError(f'There is no model "{wish.text}" in the catalog.', available(catalog))
    return named


def _artifact_for(hardware: Hardware, model: CatalogModel, wish: Wish) -> Artifact | None:
    """The quantisation that was named, else the first that fits, else the smallest."""
    if wish.selector:
        wanted = wish.selector.lower()
        return next(
            (one for one in model.artifact if wanted in {one.quantization.lower(), *(n.lower() for n in one.names)}),
            None,
        )
    return _best_fitting(hardware, model, [one.id for one in model.artifact]) or model.artifact[-1]


def _alternatives(
    hardware: Hardware,
    catalog: Catalog,
    taken: CatalogModel | None,
    downloaded: Collection[str],
    partial_bytes: Mapping[str, int],
) -> tuple[Alternative, ...]:
    found = []
    for model in catalog.models:
        if taken is not None and model.id == taken.id:
            continue
        artifact = _best_fitting(hardware, model, downloaded, partial_bytes)
        if artifact is None:
            artifact = model.artifact[-1]
            why = obstacle_to(hardware, model, artifact, downloaded, partial_bytes)
            found.append(Alternative(model, artifact, False, why))
        else:
            found.append(Alternative(model, artifact, True, f"needs {gigabytes(model.chat_bytes(artifact))}"))
    return tuple(found)


def _licence(model: CatalogModel) -> str:
    return f"{model.licence}: {model.licence_note}" if model.licence_note else ""


def _memory(hardware: Hardware) -> str:
    own = gigabytes(hardware.ram_bytes)
    if hardware.unified_memory:
        return f"{own} of unified memory"
    if hardware.vram_bytes:
        return f"{own} of memory and {gigabytes(hardware.vram_bytes)} on the graphics card"
    return f"{own} of memory"
