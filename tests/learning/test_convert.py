from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from shammah_tui.engine.measure.decoder import Decoder, Span
from shammah_tui.engine.measure.ruler import Row, answers, divergence, scores
from shammah_tui.errors import ModelError
from shammah_tui.learning.adapter import AdapterRefused, check_shape
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.convert import set_alpha, write_gguf
from shammah_tui.learning.example import Example
from shammah_tui.learning.loop import Loop
from shammah_tui.learning.memory import MemoryShort, plan, read_shape
from shammah_tui.learning.network import load_network
from shammah_tui.learning.run import find_gguf

TOKENS = [104, 101, 108, 108, 111, 32, 119, 111, 114, 108, 100, 33]


def write_checkpoint(base: Path, folder: Path, *, strength: float = 0.1) -> Path:
    """A checkpoint as the trainer writes it, with random factors."""
    network = load_network(base, TrainArguments(rank=4, alpha=8.0), torch.device("cpu"), checkpointing=False)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in network.trained_parameters():
            parameter.normal_(std=strength)
    network.save(folder)
    return folder


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_llama_cpp_with_the_adapter_computes_what_plain_peft_computes(
    bases: dict[str, Path], family: str, tmp_path: Path
) -> None:
    checkpoint = write_checkpoint(bases[family], tmp_path / "checkpoint")
    write_gguf(checkpoint, tmp_path / "adapter.gguf", family)
    plain = AutoModelForCausalLM.from_pretrained(bases[family], dtype=torch.float32)
    with torch.no_grad():
        without = plain(torch.tensor([TOKENS])).logits[0].numpy()
        adapted = PeftModel.from_pretrained(plain, checkpoint).eval()
        wanted = adapted(torch.tensor([TOKENS])).logits[0].numpy()
    decoder = Decoder(bases[family] / "model.gguf", threads=1)
    found = {}
    for scale in (0.0, 1.0):
        decoder.set_adapter(tmp_path / "adapter.gguf", scale)
        decoder.open(1)
        found[scale] = np.array([logits.copy() for _, _, logits in decoder.feed([Span(1, 0, TOKENS, 0)])])
    decoder.close()
    assert np.abs(wanted - without).max() > 0.2
    np.testing.assert_allclose(found[0.0], without, atol=2e-2)
    np.testing.assert_allclose(found[1.0], wanted, atol=2e-2)
    assert (found[1.0].argmax(-1) == wanted.argmax(-1)).all()


def test_an_adapter_file_names_its_type_architecture_and_alpha(bases: dict[str, Path], tmp_path: Path) -> None:
    checkpoint = write_checkpoint(bases["qwen2"], tmp_path / "checkpoint")
    set_alpha(checkpoint, 6.0)
    write_gguf(checkpoint, tmp_path / "adapter.gguf", "qwen2")
    reader = gguf.GGUFReader(tmp_path / "adapter.gguf")
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.type"] == "adapter"
    assert fields["general.architecture"] == "qwen2"
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == 6.0
    assert len(reader.tensors) == 2 * 7 * 2


def test_cached_keys_and_values_never_outlive_their_adapter(bases: dict[str, Path], tmp_path: Path) -> None:
    checkpoint = write_checkpoint(bases["qwen2"], tmp_path / "checkpoint", strength=0.2)
    write_gguf(checkpoint, tmp_path / "adapter.gguf", "qwen2")
    decoder = Decoder(bases["qwen2"] / "model.gguf", threads=1)
    prompts = [[*TOKENS, token] for token in range(97, 97 + 30)]

    def said() -> list[list[int]]:
        return [draft.tokens for draft in answers(decoder, prompts, max_tokens=12)]

    before = said()
    decoder.set_adapter(tmp_path / "adapter.gguf")
    under = said()
    decoder.set_adapter(None)
    assert said() == before
    assert under != before
    rows = [Row(prompt, said) for prompt, said in zip(prompts, before, strict=True) if said]
    assert all(score["greedy"] for score in scores(decoder, rows))
    found = divergence(decoder, rows, tmp_path / "adapter.gguf", [0.0, 1.0])
    assert abs(found["scales"][0]["kl"]) < 1e-5
    assert found["scales"][1]["kl"] > 1e-2
    decoder.close()


@pytest.mark.parametrize("field", ["use_rslora", "use_dora", "modules_to_save"])
def test_what_llama_cpp_would_misread_is_refused(bases: dict[str, Path], tmp_path: Path, field: str) -> None:
    checkpoint = write_checkpoint(bases["qwen2"], tmp_path / "checkpoint")
    file = checkpoint / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: True}))
    with pytest.raises(ModelError, match=field):
        write_gguf(checkpoint, tmp_path / "adapter.gguf", "qwen2")


def test_values_that_are_no_numbers_and_other_shapes_are_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    checkpoint = write_checkpoint(bases["qwen2"], tmp_path / "checkpoint")
    shape = read_shape(bases["qwen2"])
    check_shape(checkpoint, shape)
    file = checkpoint / "adapter_model.safetensors"
    tensors = load_file(file)
    name = next(iter(tensors))
    save_file(tensors | {name: torch.full_like(tensors[name], float("nan"))}, file)
    with pytest.raises(AdapterRefused, match="no numbers"):
        check_shape(checkpoint, shape)
    save_file(tensors | {name: tensors[name][:, :-1].contiguous()}, file)
    with pytest.raises(AdapterRefused, match="does not fit"):
        check_shape(checkpoint, shape)


def test_memory_is_planned_before_anything_is_loaded(bases: dict[str, Path]) -> None:
    shape = read_shape(bases["qwen2"])
    roomy = plan(shape, rank=16, value_bytes=4, longest=100, free_bytes=8 << 30)
    assert roomy.pack_tokens > 1000
    assert not roomy.checkpointing
    with pytest.raises(MemoryShort, match="GiB"):
        plan(shape, rank=16, value_bytes=4, longest=100, free_bytes=100 << 20)


def test_the_deployed_file_is_found_in_the_folder_or_beside_it_and_is_the_smallest(tmp_path: Path) -> None:
    base = tmp_path / "tiny"
    base.mkdir()
    (tmp_path / "tiny-q8.gguf").write_bytes(b"12")
    (tmp_path / "other.gguf").write_bytes(b"1")
    assert find_gguf(base).name == "tiny-q8.gguf"
    for name, size in (("a-f16.gguf", 9), ("b-q8.gguf", 5), ("adapter.gguf", 1)):
        (base / name).write_bytes(bytes(size))
    assert find_gguf(base).name == "b-q8.gguf"


def test_a_base_in_half_precision_learns_with_a_full_adapter(bases: dict[str, Path]) -> None:
    """As on a CPU whose memory does not hold the base in float32."""
    network = load_network(
        bases["qwen3"], TrainArguments(rank=4), torch.device("cpu"), checkpointing=True, dtype=torch.bfloat16
    )
    loop = Loop(network, TrainArguments(), 4096)
    examples = [Example(n, "in_scope", "", "red", 1.0, TOKENS[:4], TOKENS[n:], n > 3, held_out=False) for n in range(6)]
    loop.load(examples)
    figures = loop.accumulate(loop.rated, loop.replay)
    assert figures.nll > 0
    gradients = [parameter.grad for parameter in network.trained_parameters()]
    assert all(gradient is not None and gradient.dtype == torch.float32 for gradient in gradients)
