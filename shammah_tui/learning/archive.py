"""An adapter as one file, to be given away: a zip of plain parts, read with distrust.

Written: the safetensors, the PEFT configuration, the manifest and the report, uncompressed. Read: those names alone,
each once, uncompressed, within limits of size; the GGUF is made anew from the safetensors, so that no file of a
stranger reaches llama.cpp. The base is pinned: an adapter is taken only for a model that is here.
"""

from __future__ import annotations

import json
import math
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from shammah_tui.errors import ShammahError
from shammah_tui.files import sync_folder
from shammah_tui.learning import convert
from shammah_tui.learning.adapter import (
    MANIFEST_BYTES_MAX,
    AdapterRefused,
    check_shape,
    read_manifest,
    sha256,
    verify_files,
)
from shammah_tui.learning.memory import Shape

WEIGHTS, CONFIG, MANIFEST, REPORT = "adapter_model.safetensors", "adapter_config.json", "manifest.json", "report.json"
# The most bytes of each part.
PARTS = {WEIGHTS: 2 << 30, CONFIG: 64 << 10, MANIFEST: MANIFEST_BYTES_MAX, REPORT: 16 << 20}
HEADER_BYTES_MAX = 4 << 20
DIRECTORY_BYTES_MAX = 4 << 10
RANK_MAX, STRENGTH_MAX = 1024, 64.0
_END = struct.Struct("<4s4H2LH")


def export(folder: Path, path: Path) -> None:
    """Writes the adapter in `folder` to the new file `path`. Raises `AdapterRefused` where it is not whole, and
    `ShammahError` where the file is there already or cannot be written."""
    verify_files(folder)
    draft = path.with_name(f".{path.name}.part")
    try:
        with path.open("xb"), zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for name in (name for name in PARTS if (folder / name).is_file()):
                archive.write(folder / name, name)
        draft.replace(path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise ShammahError(f"{path} is there already.", "Choose another file.") from error
    except OSError as error:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise ShammahError(
            f"{path} cannot be written: {error.strerror}.", "Check the free space and the folder."
        ) from error


def read(path: Path, draft: Path, models: Iterable[Path]) -> dict[str, Any]:
    """Reads the file, or the folder that `shammah train` wrote, into the empty folder `draft` as a whole adapter, and
    returns its manifest. `models` are GGUFs that it may belong to. Raises `AdapterRefused` for everything that is not
    plainly one of ours."""
    try:
        if path.is_dir():
            _copy(path, draft)
        else:
            with path.open("rb") as file:
                _check_directory(file)
                with zipfile.ZipFile(file) as archive:
                    _unpack(archive, draft)
    except (OSError, zipfile.BadZipFile, struct.error, NotImplementedError, RuntimeError) as error:
        raise AdapterRefused(f"{path.name} cannot be read as an adapter: {error}.") from error
    _check_header(draft / WEIGHTS)
    manifest = read_manifest(draft)
    for name in (WEIGHTS, CONFIG):
        if sha256(draft / name) != manifest["sha256"][name]:
            raise AdapterRefused(f"{name} in {path.name} is not the file that the manifest tells of.")
    _check_config(draft)
    check_shape(draft, _shape(manifest))
    model = next((model for model in models if sha256(model) == manifest["base"]["gguf_sha256"]), None)
    if model is None:
        name = str(manifest["base"].get("name", "unknown"))[:80]
        raise AdapterRefused(
            f"The adapter belongs to another base ({name}), which is not here.",
            "Get that model first, or name its file with --model.",
        )
    convert.write_gguf(draft, draft / "adapter.gguf", str(manifest["base"]["family"]))
    manifest["sha256"]["adapter.gguf"] = sha256(draft / "adapter.gguf")
    manifest["imported_from"] = path.name
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return manifest


def _check_directory(file: BinaryIO) -> None:
    """The zip's directory is small, before zipfile reads it whole into memory."""
    size = file.seek(0, 2)
    if size > sum(PARTS.values()) + DIRECTORY_BYTES_MAX:
        raise AdapterRefused("The file is too large for an adapter.")
    file.seek(max(0, size - _END.size - (1 << 16)))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise AdapterRefused("The file is no adapter: it is not a zip.")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if entries > len(PARTS) or directory_bytes > DIRECTORY_BYTES_MAX:
        raise AdapterRefused(f"The file holds {entries} parts; an adapter has {len(PARTS)} at most.")
    file.seek(0)


def _unpack(archive: zipfile.ZipFile, draft: Path) -> None:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    foreign = [name for name in names if name not in PARTS]
    if foreign:
        raise AdapterRefused(f"The file holds {foreign[0][:80]!r}, which is no part of an adapter.")
    if len(set(names)) < len(names):
        raise AdapterRefused("The file holds a part twice.")
    if missing := [name for name in (WEIGHTS, CONFIG, MANIFEST) if name not in names]:
        raise AdapterRefused(f"The file has no {missing[0]}.")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
            raise AdapterRefused(f"{info.filename} is packed in a way that an adapter's parts are not.")
        if info.file_size > PARTS[info.filename]:
            raise AdapterRefused(f"{info.filename} is too large.")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise AdapterRefused(f"{info.filename} is no plain file.")
        with archive.open(info) as source, (draft / info.filename).open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)


def _copy(folder: Path, draft: Path) -> None:
    for name in (WEIGHTS, CONFIG, MANIFEST):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise AdapterRefused(f"{folder} is no adapter: it has no {name}.")
        if path.stat().st_size > PARTS[name]:
            raise AdapterRefused(f"{name} is too large.")
        shutil.copyfile(path, draft / name)


def _check_header(weights: Path) -> None:
    """Safetensors, and nothing that calls itself so: eight bytes of length, then that much JSON."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > HEADER_BYTES_MAX or file.read(1) != b"{":
            raise AdapterRefused(f"{weights.name} is no safetensors file, or its header is too large.")


def _check_config(folder: Path) -> None:
    try:
        config = convert.read_config(folder)
        if config.get("auto_mapping") is not None:
            raise AdapterRefused("The adapter asks for code of its own (auto_mapping).")
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
        if not 1 <= rank <= RANK_MAX or not math.isfinite(alpha) or not 0 < alpha / rank <= STRENGTH_MAX:
            raise ValueError(f"rank {rank}, alpha {alpha:g}")
    except AdapterRefused:
        raise
    except (ShammahError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AdapterRefused(f"The adapter's configuration cannot be used: {error}.") from error


def _shape(manifest: dict[str, Any]) -> Shape:
    base = manifest["base"]
    try:
        return Shape(
            family=str(base["family"]),
            tied=bool(base["tied"]),
            **{
                name: int(base[name])
                for name in ("hidden", "feed_forward", "layers", "attention", "key_value", "vocabulary")
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterRefused("The manifest does not say what shape the base has.") from error
