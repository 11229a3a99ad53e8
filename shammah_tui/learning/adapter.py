"""An adapter as a folder: PEFT checkpoint, GGUF, manifest. Written whole or not at all, checked before it is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from shammah_tui.errors import ModelError, ShammahError
from shammah_tui.learning.convert import read_config, read_tensors
from shammah_tui.learning.memory import Shape, read_shape

FORMAT = 1
MANIFEST_BYTES_MAX = 4 << 20
FILES = ("adapter_model.safetensors", "adapter_config.json", "adapter.gguf", "manifest.json")


class AdapterRefused(ShammahError):
    """An adapter that must not be loaded; says why."""


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def base_identity(base: Path, model: Path) -> dict[str, Any]:
    """What an adapter is bound to: the weights it was trained on, and the deployed file it was measured on."""
    weights = sorted(base.glob("*.safetensors"))
    shape = read_shape(base)
    return {
        "name": base.name,
        **asdict(shape),
        "weights_sha256": {path.name: sha256(path) for path in weights},
        "gguf": model.name,
        "gguf_sha256": sha256(model),
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises `AdapterRefused` where there is none, or where it lacks what every manifest has."""
    path = folder / "manifest.json"
    try:
        if path.stat().st_size > MANIFEST_BYTES_MAX:
            raise AdapterRefused(f"The manifest of the adapter in {folder} is too large.")
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        checksums, base = manifest["sha256"], manifest["base"]
        complete = all(isinstance(checksums[name], str) for name in FILES if name != "manifest.json")
        if not complete or not isinstance(base["gguf_sha256"], str) or not isinstance(base["weights_sha256"], dict):
            raise ValueError("it is incomplete")
    except FileNotFoundError as error:
        raise AdapterRefused(f"The adapter in {folder} has no manifest.json.") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterRefused(f"The manifest of the adapter in {folder} cannot be read.") from error
    return manifest


def verify_files(folder: Path) -> dict[str, Any]:
    """The manifest of an adapter that is whole: each file there, and what was written. Raises `AdapterRefused`."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise AdapterRefused(f"The adapter in {folder} has no {missing[0]}.")
    manifest = read_manifest(folder)
    changed = [name for name in FILES if name != "manifest.json" and sha256(folder / name) != manifest["sha256"][name]]
    if changed:
        raise AdapterRefused(f"{changed[0]} in {folder} is not the file that was written.")
    return manifest


def verify(folder: Path, base: Path, model: Path | None = None) -> dict[str, Any]:
    """The manifest of an adapter that belongs to `base` and is whole. Raises `AdapterRefused`: no manifest, a file
    missing or changed, another base, matrices of another shape, values that are no numbers."""
    manifest = verify_files(folder)
    identity = manifest["base"]
    weights = {path.name: sha256(path) for path in sorted(base.glob("*.safetensors"))}
    if weights != identity["weights_sha256"] or (model is not None and sha256(model) != identity["gguf_sha256"]):
        raise AdapterRefused(f"The adapter belongs to another base ({identity.get('name', 'unknown')}).")
    check_shape(folder, read_shape(base))
    return manifest


def check_shape(folder: Path, shape: Shape) -> None:
    """Raises `AdapterRefused` where a factor does not fit the base's matrices or holds values that are no numbers."""
    widths = {
        "attn_q": (shape.hidden, shape.attention),
        "attn_k": (shape.hidden, shape.key_value),
        "attn_v": (shape.hidden, shape.key_value),
        "attn_output": (shape.attention, shape.hidden),
        "ffn_gate": (shape.hidden, shape.feed_forward),
        "ffn_up": (shape.hidden, shape.feed_forward),
        "ffn_down": (shape.feed_forward, shape.hidden),
    }
    try:
        rank, tensors = int(read_config(folder)["r"]), read_tensors(folder)
    except ModelError as error:
        raise AdapterRefused(error.message, error.hint) from error
    for name, values in tensors.items():
        _, layer, matrix, _, factor = name.split(".")
        inputs, outputs = widths[matrix]
        expected = (rank, inputs) if factor == "lora_a" else (outputs, rank)
        if values.shape != expected or int(layer) >= shape.layers:
            raise AdapterRefused(f"The adapter does not fit the base: {name} is {values.shape}, wanted {expected}.")


@contextmanager
def draft_folder(out: Path, kept_for: type[BaseException] | None = None, resumed: Path | None = None) -> Iterator[Path]:
    """A folder beside `out` that becomes `out` when the block ends well, and goes away when it does not; but for an
    error of the kind `kept_for`, after which it can be gone on with. Leftovers of runs that were killed are removed
    first, where their process is gone; `resumed` is one of them that becomes the draft."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ShammahError(f"{out} is there already.", "Choose another folder for --out, or remove it.")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.parent / f".{out.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part"
    if resumed is not None:
        resumed.replace(draft)
    else:
        draft.mkdir(mode=0o700)
    sweep(out.parent, out.name)
    keep = False
    try:
        yield draft
        _sync(draft)
        draft.replace(out)
        _sync_entry(out.parent)
    except BaseException as error:
        keep = kept_for is not None and isinstance(error, kept_for)
        raise
    finally:
        if draft.exists() and not keep:
            shutil.rmtree(draft)


def abandoned(out: Path) -> list[Path]:
    """Drafts of `out` whose process is gone, the one last written to first."""
    found = [path for path in out.parent.glob(f".{out.name}.*.part") if _is_abandoned(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def sweep(folder: Path, name: str = "*") -> None:
    """Removes drafts that were left in `folder` by runs which are gone."""
    for left in folder.glob(f".{name}.*.part"):
        if _is_abandoned(left):
            shutil.rmtree(left)


def is_draft_of_the_living(folder: Path) -> bool:
    """Whether a process is at work in this folder."""
    parts = folder.name.split(".")
    process = parts[-3] if len(parts) > 3 and parts[-1] == "part" else ""
    return process.isdigit() and int(process) > 0 and psutil.pid_exists(int(process))


def _is_abandoned(folder: Path) -> bool:
    return folder.is_dir() and folder.name.split(".")[-3].isdigit() and not is_draft_of_the_living(folder)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_entry(folder)


def _sync_entry(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
