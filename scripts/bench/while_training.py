"""The chat beside a training: from a key to its letter in a real pseudo-terminal, and tokens a second of an answer.

Both are measured idle, then while the trainer takes its steps, in one session of the program with one engine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from shammah_tui.backends.engine_client import EngineClient
from shammah_tui.backends.sse import data_of
from shammah_tui.wire import TrainRequest
from tests.learning.world import habit_rows
from tests.ui.pty_screen import PtyScreen, in_pty, shammah

KEYS = 300
ANSWERS = 12
ANSWER_TOKENS = 120
# As a fast typist: about twelve keys a second.
BETWEEN_KEYS_SECONDS = 0.08
LINE_KEYS = 40
QUESTION = "Write a Python function that reads a file and returns its lines"


@dataclass(frozen=True, slots=True)
class Fluidity:
    key_p50_ms: float
    key_p99_ms: float
    tokens_per_second: float
    """Median over the answers, of their whole time, the prompt's included."""
    first_token_ms: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="x.") as home:
        os.environ |= {"SHAMMAH_HOME": home, "SHAMMAH_OFFLINE": "true", "SHAMMAH_LORA_AUTO_TRAIN": "false"}
        command = shammah("--model", "demo")
        with in_pty(command, Path(home), SHAMMAH_OFFLINE="true", SHAMMAH_LORA_AUTO_TRAIN="false") as shown:
            try:
                found = measure(shown, Path(home), given.keys)
            finally:
                subprocess.run(shammah("daemon", "stop"), env=os.environ, capture_output=True, check=False)
    if given.json:
        print(json.dumps({name: asdict(figures) for name, figures in found.items()}, indent=2))
    else:
        tell(found["idle"], found["training"])
    return 0


def measure(shown: PtyScreen, home: Path, keys: int) -> dict[str, Fluidity]:
    shown.wait_until(
        lambda: "· ready" in "\n".join(shown.screen.display) and (home / "daemon.sock").exists(), "no engine"
    )
    asyncio.run(_answered(home, 2))
    fluidity(shown, home, keys // 10)
    idle = fluidity(shown, home, keys)
    run = asyncio.run(_begin(home))
    try:
        training = fluidity(shown, home, keys)
        asyncio.run(_still(home, run))
    finally:
        asyncio.run(_cancel(home))
    return {"idle": idle, "training": training}


def fluidity(shown: PtyScreen, home: Path, keys: int) -> Fluidity:
    latencies = sorted(_latencies(shown, keys))
    rates, firsts = asyncio.run(_answered(home, ANSWERS))
    return Fluidity(
        round(statistics.median(latencies) * 1000, 2),
        round(latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))] * 1000, 2),
        round(statistics.median(rates), 1),
        round(statistics.median(firsts) * 1000, 1),
    )


def _latencies(shown: PtyScreen, keys: int) -> list[float]:
    """Seconds from a key to the picture that has it; the line is cleared now and then."""
    found: list[float] = []
    typed = ""
    for number in range(keys):
        letter = "abcdefghij"[number % 10]
        typed += letter
        began = time.perf_counter()
        shown.type(letter.encode())
        while f"› {typed}" not in "\n".join(shown.screen.display):
            shown.read(0.01)
        found.append(time.perf_counter() - began)
        if len(typed) == LINE_KEYS:
            shown.type(b"\x15")
            typed = ""
            shown.wait_for("Ask anything")
        resting = time.perf_counter() + BETWEEN_KEYS_SECONDS
        while (left := resting - time.perf_counter()) > 0:
            shown.read(left)
    shown.type(b"\x15")
    shown.wait_for("Ask anything")
    return found


async def _answered(home: Path, count: int) -> tuple[Sequence[float], Sequence[float]]:
    """Tokens a second, and seconds to the first token, of answers one after the other."""
    rates, firsts = [], []
    async with EngineClient.over_socket(home / "daemon.sock") as client:
        for number in range(count):
            body = {
                "messages": [{"role": "user", "content": f"{QUESTION} number {number}"}],
                "max_tokens": ANSWER_TOKENS,
                "stream": True,
                "stream_options": {"include_usage": True},
                "temperature": 0,
            }
            began = time.perf_counter()
            first, tokens = 0.0, 0
            async with client.http.stream("POST", "/v1/chat/completions", json=body) as response:
                async for data in data_of(response.aiter_bytes()):
                    if data == "[DONE]":
                        break
                    chunk = json.loads(data)
                    tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
                    if not first and any(choice["delta"].get("content") for choice in chunk["choices"]):
                        first = time.perf_counter()
            rates.append(tokens / (time.perf_counter() - began))
            firsts.append(first - began)
    return rates, firsts


async def _begin(home: Path) -> str:
    """A run that takes its steps for longer than anything is measured; its name, once it does."""
    rows = tuple(habit_rows("print", rated=10, near=20, other=20))
    async with EngineClient.over_socket(home / "daemon.sock") as client:
        begun = await client.train(TrainRequest(rows=rows, arguments={"steps": 5000, "patience": 5000, "made_up": 8}))
        async with aclosing(client.training(begun.run)) as events:
            async for event in events:
                if event["event"] == "StepReported" and event["step"] >= 3:
                    break
    return begun.run


async def _still(home: Path, run: str) -> None:
    async with EngineClient.over_socket(home / "daemon.sock") as client:
        active = (await client.runs()).active
        if active is None or active.run != run or active.phase != "train":
            raise SystemExit("The training was over before the measurement was: the figures would be of nothing.")


async def _cancel(home: Path) -> None:
    async with EngineClient.over_socket(home / "daemon.sock") as client:
        if (await client.runs()).active is not None:
            await client.cancel_training()


def tell(idle: Fluidity, training: Fluidity) -> None:
    print(f"{'':24}{'idle':>10}{'training':>10}{'ratio':>8}")
    for name, title in (
        ("key_p50_ms", "key, median, ms"),
        ("key_p99_ms", "key, p99, ms"),
        ("first_token_ms", "first token, ms"),
        ("tokens_per_second", "tokens/s of an answer"),
    ):
        one, other = getattr(idle, name), getattr(training, name)
        print(f"{title:24}{one:>10}{other:>10}{other / one:>7.2f}×")


if __name__ == "__main__":
    sys.exit(main())
