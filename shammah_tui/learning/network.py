"""The base with its adapter: loaded by transformers and peft, run pack by pack, saved as a plain PEFT checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM

from shammah_tui.errors import ModelError
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.device import choose_dtype
from shammah_tui.learning.fused import fuse
from shammah_tui.learning.packed import ATTENTION, Line, Pack, packs

# All linear layers of a block; never embeddings or head: llama.cpp has no LoRA on a tied head.
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(slots=True)
class Network:
    model: PeftModel
    device: torch.device

    @property
    def head(self) -> Tensor:
        """(vocabulary, hidden), frozen."""
        weight: Tensor = self.model.get_base_model().lm_head.weight
        return weight

    def states(self, pack: Pack) -> Tensor:
        """Hidden states from which the answers' tokens are predicted: (n, hidden)."""
        body = self.model.get_base_model().model
        found: Tensor = body(
            input_ids=pack.tokens,
            position_ids=pack.positions,
            use_cache=False,
            layout=pack.layout,
            predicting=pack.predicting,
        ).last_hidden_state
        return found[0]

    def base_states(self, lines: Sequence[Line], pack_tokens: int) -> list[Tensor]:
        """For each line the base's hidden states over its answer, (tokens, hidden), in main memory. A head's product
        away from the base's logits, and a vocabulary's worth smaller."""
        found: list[Tensor] = [torch.empty(0)] * len(lines)
        with torch.no_grad(), self.model.disable_adapter():
            for pack in packs(lines, pack_tokens, self.device):
                states = self.states(pack).cpu()
                for number, index in enumerate(pack.rows):
                    found[index] = states[pack.owner.cpu() == number]
        return found

    def trained_parameters(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def adapter_state(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.trained_parameters()]

    def load_adapter_state(self, state: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for parameter, kept in zip(self.trained_parameters(), state, strict=True):
                parameter.copy_(kept)

    def save(self, folder: Path) -> None:
        """Writes adapter_model.safetensors and adapter_config.json."""
        self.model.save_pretrained(str(folder), safe_serialization=True)


def _last_block(
    block: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, *, predicting: Tensor, **given: Any
) -> Tensor:
    """A decoder block of which only the states of `predicting` are read: hidden states (1, T, hidden) → (1, n, hidden).
    What follows its attention is computed for these tokens alone."""
    seen, _ = block.self_attn(
        hidden_states=block.input_layernorm(hidden_states), attention_mask=attention_mask, **given
    )
    states = hidden_states.index_select(1, predicting) + seen.index_select(1, predicting)
    made: Tensor = states + block.mlp(block.post_attention_layernorm(states))
    return made


def load_network(
    base: Path,
    arguments: TrainArguments,
    device: torch.device,
    *,
    checkpointing: bool,
    dtype: torch.dtype | None = None,
) -> Network:
    """The base, frozen, with a fresh adapter (float32, whatever the base's `dtype`) that changes nothing yet. Raises
    `ModelError`."""
    torch.manual_seed(arguments.seed)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(base), dtype=dtype or choose_dtype(device), attn_implementation=ATTENTION, local_files_only=True
        ).to(device)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"The base in {base} cannot be loaded: {error}.") from error
    config = LoraConfig(
        r=arguments.rank,
        lora_alpha=int(arguments.alpha) if arguments.alpha.is_integer() else arguments.alpha,
        target_modules=list(TARGETS),
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        base_model_name_or_path=str(base),
    )
    last = model.model.layers[-1]
    last.forward = MethodType(_last_block, last)
    adapted = get_peft_model(model, config)
    adapted.train()
    if device.type == "cpu" and model.dtype == torch.float32:
        fuse(adapted)
    if checkpointing:
        adapted.enable_input_require_grads()
        adapted.gradient_checkpointing_enable({"use_reentrant": False})
    return Network(adapted, device)
