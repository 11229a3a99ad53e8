"""The benchmark of adapters in the engine: `scripts/bench/adapters [--quick]`. What a swap takes, and what it costs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from scripts.bench.measure import CONTEXT, GREEDY, EngineUnderTest, half_b_model, words
from scripts.bench.random_adapter import write_adapter
from shammah_tui import paths
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import AdapterUse, GenerationEnded, GenerationRequest, LoadOptions

RANKS = (8, 16)
SWAP_GOAL_MS = 50.0


class AdaptersUnderTest:
    def __init__(self, under_test: EngineUnderTest) -> None:
        self._engine = under_test.engine

    def ask(
        self, uses: Sequence[AdapterUse | None], prompt_tokens: int, count: int, seed: int
    ) -> list[GenerationEnded]:
        """All at once, each with another prompt, so that nothing is in the cache."""

        async def all_of_them() -> list[GenerationEnded]:
            return await asyncio.gather(*(self._ask(use, prompt_tokens, count, seed + n) for n, use in enumerate(uses)))

        return asyncio.run(all_of_them())

    async def _ask(self, use: AdapterUse | None, prompt_tokens: int, count: int, seed: int) -> GenerationEnded:
        prompt = words(prompt_tokens, seed)
        request = GenerationRequest(prompt, max_tokens=count, sampling=GREEDY, adapter=use)
        async for event in self._engine.generate(request):
            if isinstance(event, GenerationEnded):
                return event
        raise RuntimeError("an answer without an end")

    def load_ms(self, path: Path, identity: str) -> float:
        began = time.perf_counter()
        self._engine.load_adapter(path, identity)
        return (time.perf_counter() - began) * 1000

    def first_token_ms(self, uses: Sequence[AdapterUse | None], rounds: int) -> float:
        """Of short prompts one after another, `uses` in turns."""
        took = [self.ask([uses[n % len(uses)]], 8, 2, 1000 + n)[0].first_token_seconds for n in range(rounds)]
        return median(took) * 1000

    def tokens_per_second(self, uses: Sequence[AdapterUse | None], count: int, seed: int) -> float:
        began = time.perf_counter()
        ends = self.ask(uses, 16, count, seed)
        return sum(end.usage.completion_tokens for end in ends) / (time.perf_counter() - began)


def rows(name: str, model: Path, rounds: int) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="shammah-bench-") as folder,
        closing(EngineUnderTest(LlamaEngine(model, LoadOptions(context_tokens=CONTEXT)))) as under_test,
    ):
        adapters = AdaptersUnderTest(under_test)
        for rank in RANKS:
            identity = f"r{rank}"
            path = write_adapter(Path(folder) / identity / "adapter.gguf", model, rank=rank)
            yield line(f"{name}: load an adapter of rank {rank}", f"{adapters.load_ms(path, identity):.1f} ms")
        one, other = (AdapterUse(f"r{rank}") for rank in RANKS)
        same, swapped = [], []
        for _ in range(rounds):
            same.append(adapters.first_token_ms([one], 6))
            swapped.append(adapters.first_token_ms([None, one, other], 6))
        cost = median(swapped) - median(same)
        said = "met" if cost < SWAP_GOAL_MS else "NOT MET"
        detail = f"first token {median(swapped):.1f} ms after a swap, {median(same):.1f} without"
        yield line(f"{name}: swap", f"{cost:.1f} ms", f"< {SWAP_GOAL_MS:.0f}  {said:<8} {detail}")
        for label, uses, base in (
            ("decode with rank 8 ÷ base", [one], [None]),
            ("decode with rank 16 ÷ base", [other], [None]),
            ("8 streams of one adapter ÷ 8 of the base", [one] * 8, [None] * 8),
            ("8 streams, base and adapter half and half ÷ 8 of the base", [None, one] * 4, [None] * 8),
        ):
            pairs = [
                (adapters.tokens_per_second(uses, 30, n), adapters.tokens_per_second(base, 30, n))
                for n in range(rounds)
            ]
            with_it, without = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
            ratio = median(pair[0] / pair[1] for pair in pairs)
            yield line(f"{name}: {label}", f"{ratio:.3f}", f"{with_it:.1f} against {without:.1f} tokens/s")


def line(what: str, figure: str, detail: str = "") -> str:
    return f"{what:<70} {figure:>9}  {detail}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and the demo model alone")
    quick = parser.parse_args().quick
    for row in rows("demo", paths.demo_model_gguf(), 3 if quick else 8):
        print(row, flush=True)
    if not quick:
        for row in rows("0.5B", half_b_model(), 4):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
