"""Writes a trained model as it is shipped: a transformers folder and a GGUF file for llama.cpp.

Both hold the same weights: those rounded to bf16. The GGUF's matrices are then Q8_0 (blocks of 32), its norms and
biases f32. Qwen2 in llama.cpp needs no permutation of q and k; with tied embeddings there is no output matrix.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from scripts.demo_model.chat import TEMPLATE
from scripts.demo_model.network import CONTEXT, GGUF_NAME
from scripts.demo_model.tokenizer import CONTROL_TOKENS, PLAIN_TOKENS, SCAFFOLD_TOKENS

_LAYER_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.o_proj.weight": "attn_output.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def gguf_name(name: str) -> str:
    """A tensor's name in llama.cpp, from its name in transformers."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{_LAYER_NAMES[rest]}"


def _write_tokenizer(writer: Any, tokenizer: dict[str, Any]) -> None:
    import gguf

    vocabulary: dict[str, int] = dict(tokenizer["model"]["vocab"])
    vocabulary |= {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    texts = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = dict.fromkeys(CONTROL_TOKENS, gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(PLAIN_TOKENS + SCAFFOLD_TOKENS, gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(texts)
    writer.add_token_types([kinds.get(text, gguf.TokenType.NORMAL) for text in texts])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(vocabulary["<|endoftext|>"])
    writer.add_eos_token_id(vocabulary["<|im_end|>"])
    writer.add_pad_token_id(vocabulary["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def write_gguf(path: Path, tensors: dict[str, Tensor], config: dict[str, Any], tokenizer: dict[str, Any]) -> None:
    import gguf

    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("model")
    writer.add_name("Shammah demo")
    writer.add_basename("shammah-demo")
    writer.add_size_label(f"{sum(tensor.numel() for tensor in tensors.values()) / 1e6:.1f}M")
    writer.add_license("mit")
    writer.add_description("The demo model inside Shammah: a toy that proves the program's whole path offline")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _write_tokenizer(writer, tokenizer)
    for name, tensor in tensors.items():
        values = tensor.float().numpy()
        if values.ndim == 2:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(gguf_name(name), packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(gguf_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def model_config(shape: dict[str, Any], tokenizer: dict[str, Any]) -> dict[str, Any]:
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        **shape,
        "layer_types": ["full_attention"] * shape["num_hidden_layers"],
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "dtype": "bfloat16",
        "use_cache": True,
    }


def export(trained: Path, folder: Path, *, with_gguf: bool = True) -> None:
    """`trained`: what `train` left; `folder`: what is shipped."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = json.loads((trained / "tokenizer.json").read_text())
    shape = _shape(trained)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((trained / name).read_text())
    state = torch.load(trained / "model.pt", map_location="cpu", weights_only=True)
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in state.items() if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = model_config(shape, tokenizer)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = {
        "bos_token_id": config["bos_token_id"],
        "eos_token_id": [config["eos_token_id"], config["bos_token_id"]],
        "pad_token_id": config["pad_token_id"],
        "do_sample": False,
        "max_new_tokens": 400,
    }
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    if with_gguf:
        # An engine that runs has the file mapped: it is replaced, never written over.
        fresh = folder / f"{GGUF_NAME}.new"
        write_gguf(fresh, tensors, config, tokenizer)
        fresh.replace(folder / GGUF_NAME)


def _shape(trained: Path) -> dict[str, Any]:
    from scripts.demo_model.network import SHAPE, SMOKE_SHAPE

    recipe = json.loads((trained / "training.json").read_text())["recipe"]
    return SMOKE_SHAPE if recipe["smoke"] else SHAPE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trained", type=Path, default=Path(".work/demo_model"))
    parser.add_argument("--folder", type=Path, default=Path("shammah_tui/demo_model"))
    parser.add_argument("--no-gguf", action="store_true", help="on a machine without the gguf package")
    arguments = parser.parse_args()
    export(arguments.trained, arguments.folder, with_gguf=not arguments.no_gguf)


if __name__ == "__main__":
    main()
