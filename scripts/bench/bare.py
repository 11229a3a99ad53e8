"""The yardstick: `llama_decode` and a sampler in a loop, through the same library, with nothing around it.

Run as a program it is a worker for the benchmark: a process of its own, since two OpenMP pools in one process slow
each other down. It reads one JSON request a line on standard input and answers with one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shammah_tui.engine import model as loading
from shammah_tui.engine.library import native
from shammah_tui.engine.request import LoadOptions


class BareLoop:
    """One context, one sequence or several. Loaded with the engine's own settings, so that only the loop differs."""

    def __init__(self, path: Path, options: LoadOptions) -> None:
        self._loaded = loading.load(path, options)
        self._batch = native.llama_batch_init(options.batch_tokens, 0, 1)
        self._read: list[int] = []

    def close(self) -> None:
        native.llama_batch_free(self._batch)
        self._loaded.close()

    def endless(self) -> None:
        """From here on no token ends an answer: a measurement of length needs all of it."""
        self._loaded.vocabulary.ends = frozenset()

    def run(self, prompt: Sequence[int], count: int) -> tuple[list[int], list[float]]:
        """Greedy: `count` tokens after `prompt`, and when each was there (`time.perf_counter`)."""
        context, vocabulary_end = self._loaded.context, self._loaded.vocabulary.ends
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
        token = native.llama_sampler_sample(chain, context, self._prefill(prompt))
        out, times = [token], [time.perf_counter()]
        batch, decode, sample, now = self._batch, native.llama_decode, native.llama_sampler_sample, time.perf_counter
        self._put(0, token, len(prompt), wanted=True)
        batch.n_tokens = 1
        tokens, positions = batch.token, batch.pos
        while len(out) < count and token not in vocabulary_end:
            decode(context, batch)
            token = sample(chain, context, 0)
            tokens[0] = token
            positions[0] += 1
            out.append(token)
            times.append(now())
        native.llama_sampler_free(chain)
        return out, times

    def tokens_per_second(self, prompts: Sequence[Sequence[int]], count: int) -> float:
        """Greedy, a sequence a prompt, all in one batch: over `count` tokens of each, once the prompts are read."""
        context = self._loaded.context
        native.llama_memory_clear(self._loaded.memory, False)
        self._read = []
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
        tokens = []
        for sequence, prompt in enumerate(prompts):
            for row, token in enumerate(prompt):
                self._put(row, token, row, wanted=row == len(prompt) - 1, sequence=sequence)
            self._decode(len(prompt))
            tokens.append(native.llama_sampler_sample(chain, context, len(prompt) - 1))
        began = time.perf_counter()
        for step in range(count):
            for sequence, token in enumerate(tokens):
                self._put(sequence, token, len(prompts[sequence]) + step, wanted=True, sequence=sequence)
            self._decode(len(prompts))
            tokens = [native.llama_sampler_sample(chain, context, row) for row in range(len(prompts))]
        spent = time.perf_counter() - began
        native.llama_sampler_free(chain)
        native.llama_memory_clear(self._loaded.memory, False)
        return len(prompts) * count / spent

    def _prefill(self, prompt: Sequence[int]) -> int:
        """Reads the prompt, keeping what the cache holds of it already; returns the row of its last token."""
        kept = len(self._read) if list(prompt[: len(self._read)]) == self._read else 0
        kept = min(kept, len(prompt) - 1)
        native.llama_memory_seq_rm(self._loaded.memory, 0, kept, -1)
        row, size = 0, native.llama_n_batch(self._loaded.context)
        for start in range(kept, len(prompt), size):
            part = prompt[start : start + size]
            for row, token in enumerate(part):
                self._put(row, token, start + row, wanted=start + row == len(prompt) - 1)
            self._decode(len(part))
        self._read = list(prompt)
        return row

    def _decode(self, rows: int) -> None:
        self._batch.n_tokens = rows
        if native.llama_decode(self._loaded.context, self._batch):
            raise RuntimeError("llama_decode failed")

    def _put(self, row: int, token: int, position: int, *, wanted: bool, sequence: int = 0) -> None:
        batch = self._batch
        batch.token[row] = token
        batch.pos[row] = position
        batch.n_seq_id[row] = 1
        batch.seq_id[row][0] = sequence
        batch.logits[row] = wanted


def main() -> None:
    path, context_tokens = Path(sys.argv[1]), int(sys.argv[2])
    loop = BareLoop(path, LoadOptions(context_tokens=context_tokens))
    loop.endless()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "prompts" in request:
            answer: dict[str, Any] = {"rate": loop.tokens_per_second(request["prompts"], request["count"])}
        else:
            answer = {"times": loop.run(request["prompt"], request["count"])[1]}
        print(json.dumps(answer), flush=True)
    loop.close()


if __name__ == "__main__":
    main()
