"""The two child processes of a run, spoken to in JSON lines: the measurer (llama.cpp) and the trainer (torch)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shammah_tui.errors import EngineError, ShammahError
from shammah_tui.learning.event import WorkerEvent, from_line

LINE_BYTES_MAX = 1 << 28
REQUEST_ROWS = 256
END_SECONDS = 10.0


class ChildFailed(ShammahError):
    """A child process ended or said that it cannot go on."""


class ChildDied(ChildFailed):
    """It ended without a word: killed, or broken."""


@dataclass(frozen=True, slots=True)
class Answer:
    tokens: list[int]
    text: str
    ended: bool
    """It closed itself; otherwise it was cut at the limit."""


@dataclass(frozen=True, slots=True)
class Score:
    logprob: float
    tokens: int
    greedy: bool


TokenRow = dict[str, list[int]]
"""`prompt` and `answer`, as token ids."""


def token_row(prompt: Sequence[int], answer: Sequence[int]) -> TokenRow:
    return {"prompt": list(prompt), "answer": list(answer)}


class Measurer:
    """The deployed GGUF in llama.cpp, by the protocol of `shammah_tui.engine.measure` (a module name and JSON are all
    that this room knows of the engine)."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self._process = process
        self.chat_template: str = ready["chat_template"]
        self.end_tokens: list[int] = ready["eos"]
        self.bos: str = ready["bos"]
        self.context: int = ready["context"]
        self.vocabulary: int = ready["vocabulary"]
        self.parameters: int = ready["parameters"]
        self.architecture: str = ready["architecture"]

    async def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = (await self._ask(op="tokenize", texts=list(texts)))["tokens"]
        return found

    async def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        await self._ask(op="adapter", path=str(path) if path else None, scale=scale)

    async def answers(
        self, prompts: Sequence[Sequence[int]], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> list[Answer]:
        found: list[Answer] = []
        for start in range(0, len(prompts), REQUEST_ROWS):
            part = [list(prompt) for prompt in prompts[start : start + REQUEST_ROWS]]
            said = await self._ask(
                op="answer", prompts=part, max_tokens=max_tokens, temperature=temperature, seed=seed + start
            )
            found += [Answer(**answer) for answer in said["answers"]]
        return found

    async def scores(self, rows: Sequence[TokenRow]) -> list[Score]:
        return [Score(**score) for score in (await self._ask(op="score", rows=list(rows)))["scores"]]

    async def divergence(self, rows: Sequence[TokenRow], adapter: Path, scales: Sequence[float]) -> dict[str, Any]:
        return await self._ask(op="divergence", rows=list(rows), path=str(adapter), scales=list(scales))

    async def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        return await _read_reply(self._process)


@asynccontextmanager
async def measurer(model: Path, *, threads: int = 0) -> AsyncIterator[Measurer]:
    """A measurer that ends with the block. Raises `EngineError` where the model cannot be loaded."""
    command = [sys.executable, "-m", "shammah_tui.engine.measure", str(model), "--threads", str(threads)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX
    )
    try:
        yield Measurer(process, await _read_reply(process))
    finally:
        await _end(process)


async def train(folder: Path) -> AsyncGenerator[WorkerEvent, None]:
    """Runs the worker over a prepared folder. Raises `ChildFailed` with its reason; leaving early ends it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shammah_tui.learning.worker", str(folder)),
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        async for line in process.stdout:
            message = json.loads(line)
            if message["event"] == "Failed":
                raise ChildFailed(message["message"], message["hint"])
            yield from_line(line.decode())
        status = await process.wait()
        if status != 0:
            last = (await said).decode("utf-8", "replace").strip().split("\n")[-1]
            raise ChildDied(f"The trainer ended unexpectedly ({_ending(status)}).", last)
    finally:
        await _end(process)
        await said


async def _read_reply(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise EngineError(f"The measuring process ended unexpectedly ({_ending(await process.wait())}).")
    reply: dict[str, Any] = json.loads(line)
    if "error" in reply:
        raise EngineError(f"The model could not be measured: {reply['error']}")
    return reply


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a child: politely where it reads its input, then for good."""
    if process.stdin is not None:
        process.stdin.close()
    elif process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _ending(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
