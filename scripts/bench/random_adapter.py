"""LoRA adapters with random factors for any GGUF model: for measuring speed, and for tests that need a real file."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def write_adapter(path: Path, model: Path, *, rank: int = 8, strength: float = 0.05, seed: int = 0) -> Path:
    """Writes an adapter over all linear layers of `model`; with `strength` 0 it changes nothing."""
    reader = gguf.GGUFReader(model)
    architecture = reader.get_field("general.architecture")
    assert architecture is not None
    chance = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, str(architecture.contents()))
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(rank))
    for tensor in reader.tensors:
        parts = tensor.name.split(".")
        if len(parts) == 4 and parts[2] in MATRICES and parts[3] == "weight":
            inputs, outputs = (int(size) for size in tensor.shape)
            first = chance.standard_normal((rank, inputs), np.float32) * strength
            second = chance.standard_normal((outputs, rank), np.float32) * strength
            writer.add_tensor(f"{tensor.name}.lora_a", first)
            writer.add_tensor(f"{tensor.name}.lora_b", second)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
