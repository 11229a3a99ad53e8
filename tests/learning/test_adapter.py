from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from shammah_tui.errors import ShammahError
from shammah_tui.learning.adapter import AdapterRefused, base_identity, draft_folder, sha256, verify
from shammah_tui.learning.convert import write_gguf
from tests.learning.test_convert import write_checkpoint


def write_adapter(base: Path, folder: Path) -> Path:
    write_checkpoint(base, folder)
    write_gguf(folder, folder / "adapter.gguf", "qwen2")
    names = ("adapter_model.safetensors", "adapter_config.json", "adapter.gguf")
    manifest = {
        "base": base_identity(base, base / "model.gguf"),
        "sha256": {name: sha256(folder / name) for name in names},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_whole_adapter_of_this_base_is_verified_and_any_other_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    base = bases["qwen2"]
    good = write_adapter(base, tmp_path / "good")
    assert verify(good, base, base / "model.gguf")["base"]["family"] == "qwen2"
    with pytest.raises(AdapterRefused, match="another base"):
        verify(good, bases["qwen3"])
    for number, (name, said) in enumerate(
        [("manifest.json", "has no manifest"), ("adapter.gguf", "has no adapter.gguf")]
    ):
        broken = shutil.copytree(good, tmp_path / f"missing-{number}")
        (broken / name).unlink()
        with pytest.raises(AdapterRefused, match=said):
            verify(broken, base)
    flipped = shutil.copytree(good, tmp_path / "flipped")
    data = bytearray((flipped / "adapter.gguf").read_bytes())
    data[-1] ^= 1
    (flipped / "adapter.gguf").write_bytes(data)
    with pytest.raises(AdapterRefused, match="not the file"):
        verify(flipped, base)
    (flipped / "manifest.json").write_text("{")
    with pytest.raises(AdapterRefused, match="cannot be read"):
        verify(flipped, base)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "adapters" / "one"

    def interrupted() -> None:
        with draft_folder(out) as draft:
            (draft / "adapter.gguf").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(out.parent.iterdir()) == []
    with draft_folder(out) as draft:
        (draft / "adapter.gguf").write_text("whole")
        assert not out.exists()
    assert (out / "adapter.gguf").read_text() == "whole"
    with pytest.raises(ShammahError, match="is there already"), draft_folder(out):
        pass
    assert (out / "adapter.gguf").read_text() == "whole"


def test_leftovers_of_a_killed_run_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    dead, living = tmp_path / ".one.999999999.aaaa.part", tmp_path / ".one.1.bbbb.part"
    dead.mkdir()
    living.mkdir()
    with draft_folder(tmp_path / "one"):
        pass
    assert not dead.exists()
    assert living.exists()
