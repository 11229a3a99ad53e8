"""PEFT checkpoint → GGUF adapter, as llama.cpp loads it with `--lora`.

The format is that of llama.cpp's `convert_lora_to_gguf.py`: type adapter, the base's architecture, and for each matrix
W (out, in) the factors `….lora_a` (rank, in) and `….lora_b` (out, rank); llama.cpp adds (alpha / rank)·B·A·x.
Qwen2 and Qwen3 need no permutation of q and k. What llama.cpp would ignore or misread is refused.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from shammah_tui.errors import ModelError

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TENSOR = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight")
_UNSUPPORTED = ("use_rslora", "use_dora", "alpha_pattern", "rank_pattern", "modules_to_save", "lora_bias")


def read_config(checkpoint: Path) -> dict[str, Any]:
    """adapter_config.json. Raises `ModelError` where llama.cpp could not do what it says."""
    try:
        config: dict[str, Any] = json.loads((checkpoint / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The adapter in {checkpoint} has no readable adapter_config.json: {error}.") from error
    unsupported = [name for name in _UNSUPPORTED if config.get(name)]
    if config.get("peft_type") != "LORA" or unsupported:
        what = ", ".join(unsupported) or str(config.get("peft_type"))
        raise ModelError(f"llama.cpp cannot run this adapter: {what}.")
    return config


def read_tensors(checkpoint: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Tensors by their GGUF names. Raises `ModelError` for a file that cannot be read, and for a tensor that has no
    such name or is not finite."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    try:
        loaded = load_file(checkpoint / "adapter_model.safetensors")
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"The adapter's weights cannot be read: {error}.") from error
    for name, values in loaded.items():
        match = _TENSOR.fullmatch(name)
        if match is None or match[2] not in _NAMES:
            raise ModelError(f"The adapter has a part that llama.cpp cannot run: {name}.")
        if not np.isfinite(values).all():
            raise ModelError(f"The adapter holds values that are no numbers, in {name}.")
        found[f"blk.{match[1]}.{_NAMES[match[2]]}.weight.lora_{match[3].lower()}"] = values.astype(np.float32)
    return found


def write_gguf(checkpoint: Path, path: Path, architecture: str) -> None:
    """Writes the checkpoint's adapter to `path`; factors are float32, as `convert_lora_to_gguf.py` keeps them."""
    config, tensors = read_config(checkpoint), read_tensors(checkpoint)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    for name in sorted(tensors):
        writer.add_tensor(name, tensors[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def set_alpha(checkpoint: Path, alpha: float) -> None:
    """Rewrites the checkpoint's alpha: how a scale that the gate chose becomes the adapter's own strength."""
    config = read_config(checkpoint)
    config["lora_alpha"] = int(alpha) if float(alpha).is_integer() else alpha
    (checkpoint / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
