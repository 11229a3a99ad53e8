"""An adapter's folder as `shammah train` leaves it, with random factors for a GGUF model, quickly."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.bench.random_adapter import write_adapter
from shammah_tui.learning.adapter import FILES, FORMAT, sha256


def make_adapter(folder: Path, model: Path, *, seed: int = 1, created: str = "2026-01-01T00:00:00+00:00") -> Path:
    """The checkpoint is a stand-in: the engine reads `adapter.gguf` and the manifest alone."""
    write_adapter(folder / "adapter.gguf", model, strength=0.15, seed=seed)
    (folder / "adapter_model.safetensors").write_bytes(b"not read here")
    (folder / "adapter_config.json").write_text("{}")
    manifest = {
        "format": FORMAT,
        "created": created,
        "base": {"name": model.stem, "weights_sha256": {}, "gguf_sha256": sha256(model)},
        "rules": [f"rule of {folder.name}"],
        "sha256": {name: sha256(folder / name) for name in FILES if name != "manifest.json"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
