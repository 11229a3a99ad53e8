"""The trainer: one run in its own process. `python -m shammah_tui.learning.worker FOLDER`.

FOLDER holds `job.json` (`base`, `arguments`) and `examples.jsonl`; the checkpoint is written to `checkpoint/` in it.
`state.pt` is kept there on the way: a worker that finds one goes on from it.
Prints one event a line as JSON; a line `{"event": "Failed", "message": …, "hint": …}` says why it ended with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError

from shammah_tui.errors import ShammahError
from shammah_tui.learning import memory
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.device import bf16_cost, choose_device, choose_dtype
from shammah_tui.learning.event import TrainingEnded, TrainingPlanned, WorkerEvent, to_line
from shammah_tui.learning.example import Example, read_examples
from shammah_tui.learning.loop import Loop
from shammah_tui.learning.network import load_network

NICENESS = 10
SAVED = "state.pt"
BF16_COST_MAX = 4
"""As `bf16_cost`: what the narrower numbers may cost where the memory is too small for the wider ones."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shammah_tui.learning.worker", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    job = json.loads((folder / "job.json").read_text("utf-8"))
    try:
        train(Path(job["base"]), TrainArguments(**job["arguments"]), read_examples(folder / "examples.jsonl"), folder)
    except ShammahError as error:
        _fail(error.message, error.hint)
        return 1
    except (MemoryError, torch.OutOfMemoryError):
        _fail("The machine ran out of memory while training.", "Close other programs, or train a smaller base.")
        return 1
    except (OSError, SafetensorError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        _fail(f"The trainer cannot write or read: {said}.", "Is there space left on the disk?")
        return 1
    return 0


def train(base: Path, arguments: TrainArguments, examples: list[Example], folder: Path) -> None:
    """Plans, trains, writes the checkpoint. Raises `ShammahError`."""
    device = choose_device(arguments.device)
    if device.type == "cpu":
        torch.set_num_threads(arguments.threads or psutil.cpu_count(logical=False) or 1)
    shape = memory.read_shape(base)
    dtype = choose_dtype(device)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    longest = max(example.length for example in examples)

    def planned(dtype: torch.dtype) -> memory.MemoryPlan:
        return memory.plan(shape, rank=arguments.rank, value_bytes=dtype.itemsize, longest=longest, free_bytes=free)

    try:
        room = planned(dtype)
    except memory.MemoryShort:
        # Half as large, and slower on most processors; on some it would take days.
        if device.type == "cpu" and bf16_cost() > BF16_COST_MAX:
            raise
        dtype = torch.bfloat16
        room = planned(dtype)
    network = load_network(base, arguments, device, checkpointing=room.checkpointing, dtype=dtype)
    loop = Loop(network, arguments, room.pack_tokens)
    loop.load(examples)
    steps = arguments.chosen_steps(len({row.example.rule for row in loop.rated}), shape.parameters)
    rate = arguments.chosen_rate(shape.parameters)
    _report(
        TrainingPlanned(
            steps=steps,
            rated_rows=len(loop.rated),
            replay_rows=len(loop.replay),
            held_out_rows=len(loop.held_rated) + len(loop.held_replay),
            parameters=shape.parameters,
            trained_parameters=sum(parameter.numel() for parameter in network.trained_parameters()),
            device=device.type,
            dtype=str(dtype).removeprefix("torch."),
            learning_rate=rate,
            pack_tokens=room.pack_tokens,
            checkpointing=room.checkpointing,
            needed_bytes=room.needed_bytes,
            free_bytes=free,
        )
    )
    started = time.perf_counter()
    done = loop.run(steps, rate, _report, folder / SAVED)
    seconds = time.perf_counter() - started
    network.save(folder / "checkpoint")
    _report(
        TrainingEnded(
            steps=done,
            best_step=loop.best_step,
            stopped_early=done < steps,
            seconds=seconds,
            answer_tokens=loop.answer_tokens,
            num_tokens=loop.num_tokens,
            tokens_per_second=(loop.answer_tokens - loop.restored_tokens) / seconds,
            peak_bytes=_peak_bytes(device),
        )
    )


def _peak_bytes(device: torch.device) -> int:
    """Most memory this process held: on the GPU where it trained there, else resident memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _report(event: WorkerEvent) -> None:
    """Raises BrokenPipeError where whoever started the run is gone: then so is the trainer."""
    _print(to_line(event))


def _fail(message: str, hint: str) -> None:
    _print(json.dumps({"event": "Failed", "message": message, "hint": hint}))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
