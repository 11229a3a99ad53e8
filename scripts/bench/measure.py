"""One measurement each of the engine, the bare loop and the daemon, in seconds; the benchmark divides them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from scripts.bench.random_model import QWEN_HALF_B, write_model
from shammah_tui import paths
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationEnded, GenerationRequest, Sampling, TextGenerated

GREEDY = Sampling(temperature=0)
CONTEXT = 4096
ROOT = Path(__file__).resolve().parents[2]


def half_b_model() -> Path:
    """The random model with Qwen2.5-0.5B's dimensions, made once and kept in the cache folder."""
    path = paths.cache_folder() / "bench" / f"{QWEN_HALF_B.name}.gguf"
    if not path.is_file():
        print(f"Making {path} (500 MB, once) …", file=sys.stderr)
        write_model(path, QWEN_HALF_B)
    return path


def words(count: int, seed: int) -> list[int]:
    """`count` tokens of ordinary text, always the same for a seed; within the vocabulary of every model here."""
    chance = random.Random(seed)
    return [chance.randrange(300, 2000) for _ in range(count)]


def short_prompts(streams: int) -> list[list[int]]:
    return [words(16, seed) for seed in range(streams)]


class EngineUnderTest:
    """The engine in this process, read on an event loop as the daemon reads it."""

    def __init__(self, engine: LlamaEngine) -> None:
        self.engine = engine
        # A measurement of length needs an answer that never ends by itself.
        engine._native.vocabulary.ends = frozenset()

    def close(self) -> None:
        self.engine.close()

    def seconds_per_token(self, prompt: Sequence[int], first: int, last: int) -> float:
        """Over the generated tokens `first` to `last`, by when they reached the reader."""
        arrivals = asyncio.run(self._read(prompt, last))
        begin = min(arrivals, key=lambda arrival: abs(arrival[0] - first))
        return (arrivals[-1][1] - begin[1]) / (arrivals[-1][0] - begin[0])

    def first_token_seconds(self, prompt: Sequence[int], session: str = "") -> float:
        async def ask() -> float:
            request = GenerationRequest(prompt, max_tokens=2, sampling=GREEDY, session=session)
            async for event in self.engine.generate(request):
                if isinstance(event, GenerationEnded):
                    return event.first_token_seconds
            raise RuntimeError("an answer without an end")

        return asyncio.run(ask())

    def tokens_per_second(self, streams: int, count: int) -> float:
        """All streams together, while all of them are answering."""

        async def ask() -> list[list[tuple[int, float]]]:
            return await asyncio.gather(*(self._read(prompt, count) for prompt in short_prompts(streams)))

        runs = asyncio.run(ask())
        begin = max(arrivals[0][1] for arrivals in runs)
        end = min(arrivals[-1][1] for arrivals in runs)
        return sum(_rate([arrival for arrival in run if begin <= arrival[1] <= end]) for run in runs)

    async def _read(self, prompt: Sequence[int], count: int) -> list[tuple[int, float]]:
        """Generated tokens so far, and when the reader had them."""
        arrivals: list[tuple[int, float]] = []
        total = 0
        async for event in self.engine.generate(GenerationRequest(prompt, max_tokens=count, sampling=GREEDY)):
            if isinstance(event, TextGenerated):
                total += event.tokens
                arrivals.append((total, time.perf_counter()))
        return arrivals


def _rate(arrivals: Sequence[tuple[int, float]]) -> float:
    """Tokens a second between the first and the last of these: from each stream's own first arrival, as tokens that
    came with it were generated before."""
    (first, began), (last, ended) = arrivals[0], arrivals[-1]
    return (last - first) / (ended - began)


class BareWorker:
    """`scripts.bench.bare` in a process of its own."""

    def __init__(self, model: Path) -> None:
        command = [sys.executable, "-m", "scripts.bench.bare", str(model), str(CONTEXT)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._receive()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def seconds_per_token(self, prompt: Sequence[int], first: int, last: int) -> float:
        times: list[float] = self._ask({"prompt": list(prompt), "count": last})["times"]
        return (times[last - 1] - times[first - 1]) / (last - first)

    def tokens_per_second(self, streams: int, count: int) -> float:
        """Of all streams together, in one batch."""
        rate: float = self._ask({"prompts": short_prompts(streams), "count": count})["rate"]
        return rate

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def daemon(model: Path, home: Path) -> Iterator[httpx2.Client]:
    """`shammah daemon` with `model` on its Unix socket; ready when this yields."""
    environment = os.environ | {"SHAMMAH_HOME": str(home)}
    command = [sys.executable, "-m", "shammah_tui", "daemon", "--model", str(model)]
    with (home / "daemon.out").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        transport = httpx2.HTTPTransport(uds=str(home / "daemon.sock"))
        with httpx2.Client(transport=transport, base_url="http://shammah", timeout=120) as client:
            _wait_until_ready(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"shammah daemon ended with {process.returncode}")
        try:
            phase = client.get("/health").json()["phase"]
            if phase == "ready":
                return
            if phase in ("failed", "not_available"):
                raise RuntimeError(f"shammah daemon has no model: {client.get('/v1/shammah/state').text}")
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("shammah daemon does not become ready")


def seconds_per_token_over_http(client: httpx2.Client, text: str, count: int) -> float:
    """Over an answer of `count` tokens, by when its events reached the client."""
    body = {
        "model": "default",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": count,
        "temperature": 0,
        "stream": True,
    }
    moments: list[float] = []
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code != 200:
            raise RuntimeError(response.read().decode())
        for line in response.iter_lines():
            if '"content"' in line:
                moments.append(time.perf_counter())
    # A token that ends inside a character is held back, so the last event stands for the last token or nearly so.
    return (moments[-1] - moments[0]) / (count - 1)
