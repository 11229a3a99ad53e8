"""Adapters as files of strangers: what is not plainly one of ours is refused, and nothing else is touched."""

from __future__ import annotations

import json
import pickle
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.errors import ShammahError
from shammah_tui.learning import archive
from shammah_tui.learning.adapter import AdapterRefused, sha256, verify
from shammah_tui.learning.archive import CONFIG, MANIFEST, WEIGHTS
from tests.learning.world import write_adapter

Parts = list[tuple[str | zipfile.ZipInfo, bytes]]


@pytest.fixture
def adapter(bases: dict[str, Path], tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "made", bases["qwen2"])


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft"
    folder.mkdir()
    return folder


def parts_of(adapter: Path) -> Parts:
    return [(name, (adapter / name).read_bytes()) for name in (WEIGHTS, CONFIG, MANIFEST)]


def packed(path: Path, parts: Parts, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in parts:
            file.writestr(name, data)
    return path


def with_part(adapter: Path, name: str, data: bytes) -> Parts:
    """The parts with one of them changed, and the manifest telling of it as if it were right."""
    (adapter / name).write_bytes(data)
    if name != MANIFEST:
        manifest = json.loads((adapter / MANIFEST).read_text())
        manifest["sha256"][name] = sha256(adapter / name)
        (adapter / MANIFEST).write_text(json.dumps(manifest))
    return parts_of(adapter)


@pytest.mark.parametrize("as_folder", [False, True])
def test_an_adapter_that_was_exported_is_whole_again_on_the_other_side(
    adapter: Path, draft: Path, bases: dict[str, Path], tmp_path: Path, as_folder: bool
) -> None:
    model = bases["qwen2"] / "model.gguf"
    source = adapter
    if not as_folder:
        source = tmp_path / "one.adapter.zip"
        archive.export(adapter, source)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["draft", "made", "one.adapter.zip"]
    archive.read(source, draft, [bases["qwen3"] / "model.gguf", model])
    verify(draft, bases["qwen2"], model)
    assert (draft / "adapter.gguf").read_bytes() == (adapter / "adapter.gguf").read_bytes()


def test_an_export_writes_over_nothing(adapter: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    path.write_text("mine")
    with pytest.raises(ShammahError, match="is there already"):
        archive.export(adapter, path)
    assert path.read_text() == "mine"


def test_another_base_is_refused_by_name(adapter: Path, draft: Path, bases: dict[str, Path], tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", parts_of(adapter))
    with pytest.raises(AdapterRefused, match=r"another base \(qwen2\)"):
        archive.read(path, draft, [bases["qwen3"] / "model.gguf"])


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(CONFIG)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE: dict[str, tuple[Callable[[Path], Parts], str]] = {
    "a path upwards": (lambda a: [*parts_of(a), ("../x", b"x")], "no part of an adapter"),
    "an absolute path": (lambda a: [("/etc/x", b"x"), *parts_of(a)], "no part of an adapter"),
    "a pickle": (lambda a: [*parts_of(a), ("adapter_model.bin", pickle.dumps(1))], "no part of an adapter"),
    "a part twice": (lambda a: [*parts_of(a), parts_of(a)[0]], "part twice"),
    "ten thousand entries": (lambda a: [(f"{n}", b"") for n in range(10_000)], "holds 10000 parts"),
    "a link": (lambda a: [parts_of(a)[0], (_link(), b"/etc/passwd"), parts_of(a)[2]], "no plain file"),
    "no weights": (lambda a: parts_of(a)[1:], "has no adapter_model"),
    "a large configuration": (lambda a: with_part(a, CONFIG, b" " * 70_000), "too large"),
    "a pickle under the right name": (lambda a: with_part(a, WEIGHTS, pickle.dumps([1])), "no safetensors"),
    "a header of 100 MB": (
        lambda a: with_part(a, WEIGHTS, (100 << 20).to_bytes(8, "little") + b"{}"),
        "no safetensors",
    ),
    "weights cut off": (lambda a: with_part(a, WEIGHTS, (a / WEIGHTS).read_bytes()[:-9]), "cannot be read"),
    "weights changed": (lambda a: [(WEIGHTS, b"x" * 99), *parts_of(a)[1:]], "no safetensors"),
    "a changed bit": (lambda a: [(WEIGHTS, (a / WEIGHTS).read_bytes()[:-1] + b"x"), *parts_of(a)[1:]], "not the file"),
    "no JSON": (lambda a: with_part(a, CONFIG, b"{"), "configuration"),
    "code of its own": (lambda a: _config(a, auto_mapping={"base_model_class": "os"}), "auto_mapping"),
    "another kind": (lambda a: _config(a, peft_type="IA3"), "configuration"),
    "no strength at all": (lambda a: _config(a, lora_alpha=float("nan")), "configuration"),
    "deep nesting": (lambda a: with_part(a, MANIFEST, b"[" * 100_000), "manifest"),
    "a manifest of a list": (lambda a: with_part(a, MANIFEST, b"[]"), "manifest"),
    "another shape": (lambda a: _base(a, hidden=32), "does not fit"),
    "no shape": (lambda a: _base(a, hidden=None), "what shape"),
}


def _config(adapter: Path, **fields: Any) -> Parts:
    config = json.loads((adapter / CONFIG).read_text()) | fields
    return with_part(adapter, CONFIG, json.dumps(config).encode())


def _base(adapter: Path, **fields: Any) -> Parts:
    manifest = json.loads((adapter / MANIFEST).read_text())
    manifest["base"] |= fields
    return with_part(adapter, MANIFEST, json.dumps(manifest).encode())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", list(HOSTILE))
def test_a_hostile_file_is_refused_and_nothing_outside_the_draft_is_written(
    adapter: Path, draft: Path, bases: dict[str, Path], tmp_path: Path, case: str
) -> None:
    make, said = HOSTILE[case]
    path = packed(tmp_path / "x.zip", make(adapter))
    with pytest.raises(AdapterRefused, match=said):
        archive.read(path, draft, [bases["qwen2"] / "model.gguf"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft", "made", "x.zip"]
    assert not (draft / "adapter.gguf").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(adapter: Path, draft: Path, tmp_path: Path) -> None:
    parts: Parts = [(WEIGHTS, bytes(64 << 20)), *parts_of(adapter)[1:]]
    with pytest.raises(AdapterRefused, match="packed in a way"):
        archive.read(packed(tmp_path / "x.zip", parts, zipfile.ZIP_DEFLATED), draft, [])
    assert list(draft.iterdir()) == []


def test_a_file_cut_off_anywhere_is_refused(adapter: Path, tmp_path: Path, bases: dict[str, Path]) -> None:
    whole = packed(tmp_path / "x.zip", parts_of(adapter)).read_bytes()
    for tenth in range(10):
        draft = tmp_path / f"draft-{tenth}"
        draft.mkdir()
        path = tmp_path / "cut.zip"
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(AdapterRefused):
            archive.read(path, draft, [bases["qwen2"] / "model.gguf"])


def test_a_folder_with_a_link_in_it_is_refused(adapter: Path, draft: Path, tmp_path: Path) -> None:
    linked = shutil.copytree(adapter, tmp_path / "linked")
    (linked / CONFIG).unlink()
    (linked / CONFIG).symlink_to(adapter / CONFIG)
    with pytest.raises(AdapterRefused, match="has no adapter_config"):
        archive.read(linked, draft, [])
