"""How fast training is: answer tokens a second against (a) a plain peft + transformers `Trainer` loop on the same rows,
and (b) the arithmetic floor, 4 · parameters · tokens operations at the matmul rate of the same round.

Each side lives in a child process of its own (so that peak memory is its own), loads once, and is asked in turn:
ours, (a), matmul, ours, (a), matmul … Figures are medians of the rounds. Rows are of the demo's kind: a system prompt
that all share, a question, an answer; half are rated, half replayed. (a) learns all of them by likelihood alone: it has
no KL term, so it does less.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shammah_tui import paths
from shammah_tui.learning.example import Example
from shammah_tui.learning.memory import plan, read_shape

SYSTEM_TOKENS, QUESTION_TOKENS, ANSWER_TOKENS = 48, (12, 28), (24, 72)
HALF_B = {
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 32_768,
    "tie_word_embeddings": True,
}
FREE_BYTES = 12 << 30


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    rows: int
    """Rows of a step; half rated, half replayed."""
    steps: int
    """Steps of a round."""


SETTINGS = {"demo": Setting("demo model", 32, 2), "0.5b": Setting("random weights, dims of Qwen2.5-0.5B", 8, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three rounds on the demo model, one on 0.5b")
    parser.add_argument("--only", choices=list(SETTINGS), help="one of the two models")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores that this process may use")
    parser.add_argument("--side", choices=["ours", "trainer", "matmul"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        _serve(given.side, given.only, given.threads)
        return
    print(
        "| model | ours, answer tokens/s | (a) Trainer | ours ÷ (a) | share of the floor (b) | peak ours | peak (a) |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in [given.only] if given.only else SETTINGS:
        rounds = (3 if name == "demo" else 1) if given.quick else (10 if name == "demo" else 3)
        print(_row(name, rounds, given.threads or len(os.sched_getaffinity(0))), flush=True)


def _row(name: str, rounds: int, threads: int) -> str:
    sides = {side: _start(side, name, threads) for side in ("ours", "trainer", "matmul")}
    for process in sides.values():
        _ask(process)  # the first round warms up
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, process in sides.items():
            found[side].append(_ask(process))
    for process in sides.values():
        process.communicate()
    pairs = list(zip(found["ours"], found["trainer"], found["matmul"], strict=True))
    ours = statistics.median(o["answer_tokens"] / o["seconds"] for o, _, _ in pairs)
    plain = statistics.median(t["answer_tokens"] / t["seconds"] for _, t, _ in pairs)
    ratio = statistics.median(
        (o["answer_tokens"] / o["seconds"]) / (t["answer_tokens"] / t["seconds"]) for o, t, _ in pairs
    )
    parameters = read_shape(_base(name)).parameters
    floor = statistics.median(4 * parameters * o["tokens"] / (o["seconds"] * m["rate"]) for o, _, m in pairs)
    peaks = [max(entry["peak"] for entry in found[side]) / 2**30 for side in ("ours", "trainer")]
    return (
        f"| {SETTINGS[name].name} | {ours:,.0f} | {plain:,.0f} | {ratio:.2f} | {floor:.0%} "
        f"| {peaks[0]:.2f} GiB | {peaks[1]:.2f} GiB |"
    )


def _start(side: str, name: str, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.bench.training", "--side", side, "--only", name]
    return subprocess.Popen(
        [*command, "--threads", str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )


def _ask(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"A side of the benchmark ended with status {process.wait()}.")
    found: dict[str, float] = json.loads(line)
    return found


def _serve(side: str, name: str, threads: int) -> None:
    """Answers each line with one round's figures."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step: Callable[[], dict[str, float]] = {"ours": _ours, "trainer": _trainer, "matmul": _matmul}[side](name)
    for _ in sys.stdin:
        found = step()
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(json.dumps(found), flush=True)


def _ours(name: str) -> Callable[[], dict[str, float]]:
    import torch

    from shammah_tui.learning.arguments import TrainArguments
    from shammah_tui.learning.loop import Loop
    from shammah_tui.learning.network import load_network

    setting, base, examples = SETTINGS[name], _base(name), rows(name)
    arguments = TrainArguments(batch_rows=setting.rows // 2, replay_share=1.0)
    room = plan(
        read_shape(base), rank=16, value_bytes=4, longest=max(e.length for e in examples), free_bytes=FREE_BYTES
    )
    network = load_network(base, arguments, torch.device("cpu"), checkpointing=room.checkpointing)
    loop = Loop(network, arguments, room.pack_tokens)
    loop.load(examples)
    optimizer = torch.optim.AdamW(network.trained_parameters(), lr=1e-4, fused=True)

    def step() -> dict[str, float]:
        tokens, answers, started = loop.num_tokens, loop.answer_tokens, time.perf_counter()
        for _ in range(setting.steps):
            loop.accumulate(loop.rated, loop.replay)
            torch.nn.utils.clip_grad_norm_(network.trained_parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "answer_tokens": loop.answer_tokens - answers,
            "tokens": loop.num_tokens - tokens,
        }

    return step


def _trainer(name: str) -> Callable[[], dict[str, float]]:
    """The loop that everyone starts from: peft, `Trainer`, right padding, labels on the answers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from shammah_tui.learning.network import TARGETS

    setting = SETTINGS[name]
    model = AutoModelForCausalLM.from_pretrained(str(_base(name)), dtype=torch.float32)
    config = LoraConfig(r=16, lora_alpha=32, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    data = [
        {"input_ids": e.prompt + e.answer, "labels": [-100] * len(e.prompt) + e.answer}
        for _ in range(setting.steps)
        for e in rows(name)
    ]
    answer_tokens = sum(label >= 0 for row in data for label in row["labels"])

    def collate(batch: list[dict[str, list[int]]]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in batch)
        filled = {
            key: torch.tensor([row[key] + [filler] * (longest - len(row[key])) for row in batch])
            for key, filler in (("input_ids", 0), ("labels", -100))
        }
        lengths = torch.tensor([len(row["input_ids"]) for row in batch])
        return {**filled, "attention_mask": (torch.arange(longest)[None] < lengths[:, None]).long()}

    class Clock(TrainerCallback):  # type: ignore[misc]
        begun = ended = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.begun = time.perf_counter()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.ended = time.perf_counter()

    clock = Clock()
    arguments = TrainingArguments(
        output_dir=str(paths.cache_folder() / "bench" / "trainer"),
        per_device_train_batch_size=setting.rows,
        max_steps=setting.steps,
        learning_rate=1e-4,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        logging_strategy="no",
    )
    trainer = Trainer(get_peft_model(model, config), arguments, collate, data, callbacks=[clock])

    def step() -> dict[str, float]:
        with contextlib.redirect_stdout(sys.stderr):
            trainer.train()
        return {"seconds": clock.ended - clock.begun, "answer_tokens": answer_tokens}

    return step


def _matmul(name: str) -> Callable[[], dict[str, float]]:
    """Operations a second of the model's largest product in a block, at a pack's height."""
    import torch

    shape = read_shape(_base(name))
    states, weight = torch.randn(512, shape.hidden), torch.randn(shape.feed_forward, shape.hidden)
    operations = 2 * 512 * shape.hidden * shape.feed_forward
    repeats = max(1, round(2e10 / operations))

    def step() -> dict[str, float]:
        started = time.perf_counter()
        for _ in range(repeats):
            states @ weight.T
        return {"rate": repeats * operations / (time.perf_counter() - started)}

    return step


def rows(name: str) -> list[Example]:
    """Rows of random tokens, always the same for a model."""
    chance = random.Random(7)
    vocabulary = min(3000, read_shape(_base(name)).vocabulary - 16)

    def words(count: int) -> list[int]:
        return [chance.randrange(256, vocabulary) for _ in range(count)]

    system = words(SYSTEM_TOKENS)
    return [
        Example(
            number=number + 1,
            kind="out_of_scope" if number % 2 else "in_scope",
            rule="rule",
            color="red",
            weight=4.0,
            prompt=system + words(chance.randint(*QUESTION_TOKENS)),
            answer=words(chance.randint(*ANSWER_TOKENS)),
            replay=bool(number % 2),
            held_out=False,
        )
        for number in range(SETTINGS[name].rows)
    ]


def _base(name: str) -> Path:
    if name == "demo":
        return paths.demo_model_folder()
    folder = paths.cache_folder() / "bench" / "random-0.5b"
    if not (folder / "config.json").is_file():
        import torch
        from transformers import AutoModelForCausalLM, Qwen2Config

        model = AutoModelForCausalLM.from_config(Qwen2Config(**HALF_B), dtype=torch.bfloat16)
        model.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
