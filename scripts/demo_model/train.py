"""Trains the demo model from nothing: `python -m scripts.demo_model.train --out FOLDER [--smoke]`.

Batch n is drawn from the seed and n alone, so a run that was broken off goes on from its last checkpoint exactly as
if it had not been. The loss is that of the tokens that the model shall say and, with a tenth of the weight, of a
sample of those that it is given. Matrices learn by Muon (the momentum's nearest orthogonal matrix; Jordan 2024),
embeddings, norms and biases by AdamW; the learning rate warms up, and falls linearly to zero.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from scripts.demo_model.chat import pieces
from scripts.demo_model.corpus import draw_conversations
from scripts.demo_model.forward import batch_loss
from scripts.demo_model.network import SHAPE, SMOKE_SHAPE
from scripts.demo_model.packing import KINDS, Batch, pack
from scripts.demo_model.tokenizer import save_tokenizer, train_tokenizer
from shammah_tui.learning.device import bf16_cost, choose_device
from shammah_tui.learning.lanes import Lanes, add_gradients, lanes_for

BATCH_TOKENS = 9000
"""About as many are in a batch of any kind."""
PARTS_A_LANE = 2


@dataclass(frozen=True)
class Recipe:
    seed: int = 8
    steps: int = 4600
    cycle: tuple[str, ...] = (
        *("tools", "plain", "long", "tools", "drill", "tools", "plain"),
        *("tools", "long", "plain", "tools", "drill", "long", "tools"),
    )
    """The kinds of the batches, over and over."""
    warmup: int = 60
    decay: float = 1.0
    """Part of the run over which the learning rate falls to zero."""
    matrix_rate: float = 0.007
    other_rate: float = 0.004
    weight_decay: float = 0.02
    tokenizer_conversations: int = 6000
    checkpoint_every: int = 500
    smoke: bool = False

    @property
    def shape(self) -> dict[str, Any]:
        return SMOKE_SHAPE if self.smoke else SHAPE


SMOKE = Recipe(steps=40, tokenizer_conversations=500, warmup=5, smoke=True)


def tokenizer_texts(recipe: Recipe) -> Iterator[str]:
    """Text to learn the merges from: long conversations give the tools and results, short ones the rest."""
    for kind, count in (("short", recipe.tokenizer_conversations), ("long", recipe.tokenizer_conversations // 20)):
        stream = draw_conversations(f"{recipe.seed} tokenizer {kind}", long=kind == "long", opaque=True)
        for _ in range(count):
            made = next(stream)
            yield "".join(text for text, _ in pieces(made.messages, made.tools))


@cache
def _load_tokenizer(path: str) -> Tokenizer:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return Tokenizer.from_file(path)


def make_batch(path: str, recipe: Recipe, step: int) -> Batch:
    return pack(_load_tokenizer(path), f"{recipe.seed} {step}", KINDS[recipe.cycle[step % len(recipe.cycle)]])


def batches(path: str, recipe: Recipe, start: int) -> Iterator[Batch]:
    """Batches from `start` on, made ahead in other processes."""
    workers = max(1, min(12, (os.cpu_count() or 2) - 1))
    with ProcessPoolExecutor(workers) as pool:
        pending = []
        for step in range(start, recipe.steps):
            pending.append(pool.submit(make_batch, path, recipe, step))
            if len(pending) > 4 * workers:
                yield pending.pop(0).result()
        for made in pending:
            yield made.result()


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration to the nearest orthogonal matrices; shape (count, rows, columns), rows <= columns."""
    a, b, c = 3.4445, -4.7750, 2.0315
    result: Tensor = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = result @ result.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        result = torch.baddbmm(result, polynomial, result, beta=a)
    return result


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal; for the matrices inside the layers."""

    def __init__(
        self, parameters: list[nn.Parameter], rate: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": rate, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                shapes[tuple(parameter.shape)].append(parameter)
            for (rows, columns), parameters in shapes.items():
                gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
                memories = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
                torch._foreach_lerp_(memories, gradients, 1 - group["momentum"])
                stacked = torch.stack(torch._foreach_lerp(gradients, memories, group["momentum"]))
                made = orthogonal(stacked.mT).mT if rows > columns else orthogonal(stacked)
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(
                    parameters, list(made.unbind()), alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5
                )


def optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    embeddings = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" in name]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    adam = torch.optim.AdamW(
        [{"params": embeddings, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.other_rate,
        betas=(0.9, 0.98),
    )
    return [Muon(matrices, recipe.matrix_rate, weight_decay=recipe.weight_decay), adam]


def rate_factor(recipe: Recipe, step: int) -> float:
    falling = int(recipe.steps * recipe.decay)
    return min(1.0, (step + 1) / recipe.warmup, (recipe.steps - step) / max(1, falling))


def build_model(recipe: Recipe, tokenizer: Tokenizer) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(recipe.seed)
    config = Qwen2Config(
        **recipe.shape,
        bos_token_id=tokenizer.token_to_id("<|endoftext|>"),
        eos_token_id=tokenizer.token_to_id("<|im_end|>"),
        pad_token_id=tokenizer.token_to_id("<|endoftext|>"),
    )
    return Qwen2ForCausalLM._from_config(config, attn_implementation="sdpa", dtype=torch.float32)


def train(
    recipe: Recipe, out: Path, *, stop_after_steps: int | None = None, measure_seconds: float | None = None
) -> None:
    """Leaves tokenizer, `model.pt` and `training.json` in `out`; goes on where it was broken off.

    `stop_after_steps` breaks off at that step, as a power cut would; `measure_seconds` after whole cycles of batches
    that take at least so long, and says how long all of the recipe would take.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    random.seed(recipe.seed)
    if not (out / "tokenizer.json").exists():
        save_tokenizer(train_tokenizer(tokenizer_texts(recipe), recipe.shape["vocab_size"]), out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    device = choose_device("auto")
    torch.set_float32_matmul_precision("high")
    # It plans anew for every shape, and nearly every batch has another: ten times slower than the other kernels.
    torch.backends.cuda.enable_cudnn_sdp(False)
    model = build_model(recipe, tokenizer).to(device)
    lanes = lanes_for(device, BATCH_TOKENS, 0)
    in_bf16 = device.type == "cuda" or (device.type == "cpu" and bf16_cost() < 1)
    parameters, numbers = sum(p.numel() for p in model.parameters()), "bfloat16" if in_bf16 else "float32"
    print(f"{parameters:,} parameters on {device}, products in {numbers}", flush=True)
    steppers = optimizers(model, recipe)
    base_rates = [[group["lr"] for group in stepper.param_groups] for stepper in steppers]
    checkpoint = out / "checkpoint.pt"
    start, tokens, seconds = 0, 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        for stepper, saved in zip(steppers, state["optimizers"], strict=True):
            stepper.load_state_dict(saved)
        start, tokens, seconds = state["step"], state["tokens"], state["seconds"]
        print(f"going on from step {start}", flush=True)
    began, busy = time.monotonic() - seconds, time.process_time()
    losses: list[float] = []
    done = start
    for step, batch in enumerate(batches(str(out / "tokenizer.json"), recipe, start), start):
        factor = rate_factor(recipe, step)
        for stepper, rates in zip(steppers, base_rates, strict=True):
            for group, rate in zip(stepper.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        loss = _learn(model, batch, lanes, device, in_bf16)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
            stepper.zero_grad(set_to_none=True)
        done, tokens = step + 1, tokens + batch.size
        if step % 20 == 0 or done == recipe.steps:
            losses.append(loss.item())
            spent = time.monotonic() - began
            print(f"step {done}/{recipe.steps} loss {losses[-1]:.4f} {tokens / spent:,.0f} tokens/s", flush=True)
        if done % recipe.checkpoint_every == 0 and done < recipe.steps:
            _save_checkpoint(checkpoint, model, steppers, done, tokens, time.monotonic() - began)
        if done == stop_after_steps:
            return
        spent = time.monotonic() - began
        if measure_seconds is not None and spent >= measure_seconds and done % len(recipe.cycle) == 0:
            whole, core = (taken / done * recipe.steps / 60 for taken in (spent, time.process_time() - busy))
            print(
                f"{done} steps, {tokens / spent:,.0f} tokens/s: {recipe.steps} steps of {tokens / done:,.0f} tokens "
                f"take {whole:.0f} minutes as busy as this machine is, {core:.0f} minutes of one core's time"
            )
            return
    spent = time.monotonic() - began
    torch.save({name: tensor.cpu() for name, tensor in model.state_dict().items()}, out / "model.pt")
    summary = {
        "recipe": asdict(recipe),
        "tokens": tokens,
        "seconds": round(spent, 1),
        "device": device.type,
        "loss": losses,
    }
    (out / "training.json").write_text(json.dumps(summary, indent=1) + "\n")
    checkpoint.unlink(missing_ok=True)


def _learn(model: nn.Module, batch: Batch, lanes: Lanes, device: torch.device, in_bf16: bool) -> Tensor:
    """Leaves the gradients of a batch in the model; returns its loss in nats a token that the model shall say.

    On a processor the batch is divided: threads with a part each wait for one another less than all at one product.
    """
    parameters = list(model.parameters())
    said = int(batch.targets.sum())

    def learn(part: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        # Each weight is read once; the cache of what was cast would be shared between threads.
        with torch.autocast(device.type, torch.bfloat16, enabled=in_bf16, cache_enabled=False):
            loss = batch_loss(model, part, device) / said
        return loss.detach(), torch.autograd.grad(loss, parameters)

    losses = []
    for loss, gradients in lanes.map(learn, batch.parts(PARTS_A_LANE * lanes.count if lanes.count > 1 else 1)):
        losses.append(loss)
        add_gradients(parameters, gradients)
    return torch.stack(losses).sum()


def _save_checkpoint(
    path: Path, model: nn.Module, steppers: list[torch.optim.Optimizer], step: int, tokens: int, seconds: float
) -> None:
    state = {
        "model": model.state_dict(),
        "optimizers": [stepper.state_dict() for stepper in steppers],
        "step": step,
        "tokens": tokens,
        "seconds": seconds,
    }
    unfinished = path.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".work/demo_model"))
    parser.add_argument("--smoke", action="store_true", help="a small model, a minute on two cores")
    parser.add_argument("--stop-after-steps", type=int, help="break off there; for measuring the speed")
    parser.add_argument(
        "--measure", type=float, metavar="MINUTES", help="train so long and say how long all would take"
    )
    arguments = parser.parse_args()
    recipe = SMOKE if arguments.smoke else Recipe()
    train(
        recipe,
        arguments.out,
        stop_after_steps=arguments.stop_after_steps,
        measure_seconds=arguments.measure and 60 * arguments.measure,
    )


if __name__ == "__main__":
    main()
