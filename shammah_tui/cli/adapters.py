"""`shammah adapters`: what was learned, which of it is in use, and taking it to another machine."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shammah_tui import paths
from shammah_tui.bootstrap import catalog
from shammah_tui.bootstrap.prepare import downloaded
from shammah_tui.cli import compare
from shammah_tui.cli.configured import configured
from shammah_tui.cli.terminal import table
from shammah_tui.files import private_folder
from shammah_tui.learning import archive
from shammah_tui.learning.comparing import ALONE, alone
from shammah_tui.learning.store import Current, Entry, Store
from shammah_tui.ui.plain import visible
from shammah_tui.ui.wording import size

HEADING = ("", "NAME", "MADE", "BASE", "SIZE", "ADHERENCE", "UNCHANGED", "RULES")


def run(options: Namespace) -> int:
    """Raises ShammahError."""
    store = Store(paths.adapters_folder(configured(options).settings.lora.adapters_dir))
    match options.action:
        case "use":
            entry = store.use(options.name, options.scale)
            _tell(options, {"current": entry.name, "scale": options.scale}, _used(entry.name, options.scale))
        case "off":
            before = store.off()
            said = f"{before.name} is no longer used: the base answers alone." if before.name else "None was in use."
            _tell(options, {"current": "", "before": before.name}, said)
        case "rollback":
            back = store.roll_back()
            _tell(options, {"current": back.name}, _used(back.name) if back.name else "The base answers alone again.")
        case "show":
            _show(options, store.find(options.name))
        case "export":
            _export(options, store.find(options.name))
        case "import":
            _import(options, store)
        case "remove":
            gone = store.remove(options.name)
            _tell(options, {"removed": gone.name, "current": store.current().name}, f"Removed: {gone.name}")
        case "compare":
            _compare(options, *_two(store, options.name, options.other))
        case _:
            _list(options, store)
    return 0


def _list(options: Namespace, store: Store) -> None:
    entries, current = store.entries(), store.current()
    if _as_json(options):
        _print({"current": current.name, "scale": current.scale, "adapters": [_described(entry) for entry in entries]})
    elif entries:
        rows = [HEADING, *(_cells(entry, current) for entry in entries)]
        print(table(rows, sys.stdout))
    else:
        print("There are no adapters yet: `shammah train` makes one, and so do ten ratings.")


def _show(options: Namespace, entry: Entry) -> None:
    if _as_json(options):
        _print(_described(entry) | {"manifest": entry.manifest})
        return
    print(f"{entry.name}{' (in use)' if entry.is_current else ''}")
    print(f"  {entry.folder}, {size(entry.size_bytes)}")
    if entry.problem:
        print(f"  ! {visible(entry.problem)}")
    manifest = entry.manifest
    for label, value in (
        ("made", entry.created),
        ("base", entry.base),
        ("before it", manifest.get("parent", "")),
        ("rules", ", ".join(entry.rules)),
        ("came from", manifest.get("imported_from", "")),
    ):
        if value:
            print(f"  {label:<10}{visible(str(value))}")
    for row in manifest.get("gate", []):
        print(f"  {_criterion(row)}")


def _export(options: Namespace, entry: Entry) -> None:
    path = Path(options.file or f"{entry.name}.adapter.zip")
    archive.export(entry.folder, path)
    _tell(options, {"exported": entry.name, "file": str(path)}, f"{entry.name} → {path}")


def _import(options: Namespace, store: Store) -> None:
    path = Path(options.file)
    name = options.name or path.name.split(".")[0].lower()
    store.check_new(name)
    private_folder(store.folder)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".0.import.part", dir=store.folder))
    try:
        archive.read(path, draft, _models(options))
        entry = store.add(draft, name)
    finally:
        if draft.exists():
            shutil.rmtree(draft)
    said = f"{entry.name} is here, for {visible(entry.base)}. `shammah adapters use {entry.name}` takes it into use."
    _tell(options, {"imported": entry.name, "base": entry.base}, said)


def _models(options: Namespace) -> Iterator[Path]:
    """The models on this machine that an adapter may belong to."""
    if options.model:
        given = Path(options.model)
        yield from sorted(given.glob("*.gguf")) if given.is_dir() else [given]
        return
    yield paths.demo_model_gguf()
    for files in downloaded(catalog.load()).values():
        yield files[0]


def _two(store: Store, name: str, other: str) -> tuple[Entry, Entry]:
    """Adapters of these names; one of them may be the model as it came. Raises ShammahError."""
    if other == ALONE:
        one = store.find(name)
        return one, alone(one)
    two = store.find(other)
    return alone(two) if name == ALONE else store.find(name), two


def _compare(options: Namespace, one: Entry, other: Entry) -> None:
    found = compare.comparison(options, one, other, _models(options))
    if _as_json(options):
        _print({"a": _described(one), "b": _described(other), **found})
    else:
        compare.tell(found, one, other)


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "folder": str(entry.folder),
        "created": entry.created,
        "base": entry.base,
        "size_bytes": entry.size_bytes,
        "rules": entry.rules,
        "current": entry.is_current,
        "problem": entry.problem,
    }


def _cells(entry: Entry, current: Current) -> tuple[str, ...]:
    gate = entry.manifest.get("gate", [])
    adherence = [row["value"] for row in gate if str(row.get("name", "")).startswith("adherence")]
    unchanged = [row["value"] for row in gate if str(row.get("name", "")).endswith("answers unchanged")]
    scale = f" × {current.scale:g}" if entry.is_current and current.scale != 1 else ""
    return (
        "›" if entry.is_current else " ",
        entry.name + scale,
        entry.created[:16].replace("T", " "),
        visible(entry.base),
        size(entry.size_bytes),
        f"{min(adherence):.0%}" if adherence else "",
        f"{min(unchanged):.0%}" if unchanged else "",
        visible(entry.problem or ", ".join(entry.rules)),
    )


def _criterion(row: dict[str, Any]) -> str:
    rule = f" of “{row.get('rule')}”" if row.get("rule") else ""
    return visible(f"{'ok ' if row.get('passed') else 'NO '} {row.get('name')}{rule}: {compare.measured(row)}")


def _used(name: str, scale: float = 1.0) -> str:
    return f"In use: {name}" + (f" at {scale:g} of its strength" if scale != 1 else "")


def _tell(options: Namespace, as_object: dict[str, Any], said: str) -> None:
    if _as_json(options):
        _print(as_object)
    else:
        print(said)


def _print(found: dict[str, Any]) -> None:
    print(json.dumps(found, ensure_ascii=False, indent=2))


def _as_json(options: Namespace) -> bool:
    return bool(getattr(options, "json", False))
