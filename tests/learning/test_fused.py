"""What is computed in fewer passes is what transformers and peft compute."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from shammah_tui.learning import fused
from shammah_tui.learning import network as under_test
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.network import Network, load_network
from shammah_tui.learning.packed import Line, packs

CPU = torch.device("cpu")


@pytest.fixture(params=["qwen2", "qwen3"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A network of two layers with random weights and norms that are not one."""
    config = AutoConfig.for_model(
        request.param,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        vocab_size=300,
        tie_word_embeddings=True,
    )
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.normal_(1.0, 0.2)
    model.save_pretrained(tmp_path)
    return tmp_path


def results(network: Network) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Hidden states with the adapter, those without, and the adapter's gradients."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in network.trained_parameters():
            parameter.normal_(0.0, 0.1)
    lines = [Line(list(range(20, 40)), [50, 51, 52]), Line(list(range(20, 35)), [60, 61])]
    (pack,) = packs(lines, 512, CPU)
    states = network.states(pack)
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    gradients = [parameter.grad for parameter in network.trained_parameters()]
    base = torch.cat(network.base_states(lines, 512))
    return states.detach(), base, [gradient for gradient in gradients if gradient is not None]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_states_and_gradients_are_those_of_peft(
    base: Path, checkpointing: bool, merged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "_pays_to_merge", lambda _: merged)
    quick = load_network(base, TrainArguments(rank=4), CPU, checkpointing=checkpointing)
    monkeypatch.setattr(under_test, "fuse", lambda _: None)
    plain = load_network(base, TrainArguments(rank=4), CPU, checkpointing=False)
    ours, theirs = results(quick), results(plain)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-4, atol=1e-5)
    assert len(ours[2]) == len(theirs[2]) == 2 * 7 * 2
    for mine, other in zip(ours[2], theirs[2], strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)
