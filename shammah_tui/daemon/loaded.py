"""A model in memory: its engine, what its conversations are rendered with, its adapters, what the API calls it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from shammah_tui.daemon.adapters import Adapters
from shammah_tui.engine.request import Engine
from shammah_tui.engine.template import ChatTemplate, Prompt
from shammah_tui.errors import EngineError
from shammah_tui.events import ModelSummary

PROMPT_THREADS = 2


class LoadedModel:
    """A model in memory and what its conversations are rendered with."""

    def __init__(self, engine: Engine, summary: ModelSummary, adapters: Adapters) -> None:
        info = engine.model
        self.engine = engine
        self.adapters = adapters
        self.template = ChatTemplate(
            info.chat_template, bos_text=info.bos_text, eos_text=info.eos_text, control_texts=info.control_texts
        )
        self.be_called(summary)
        self.loaded_at = int(time.time())
        self._readers = 0
        self._unread = asyncio.Event()
        self._unread.set()
        self._closing = False
        self._threads = ThreadPoolExecutor(PROMPT_THREADS, "shammah-prompt")

    def be_called(self, summary: ModelSummary) -> None:
        """The same file may be wished for by several names."""
        info, active = self.engine.model, self.adapters.active
        self.summary = replace(
            summary,
            context_tokens=info.context_tokens,
            device=info.device,
            adapter=active.label if active else "",
        )
        self.id = public_id(summary)

    async def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        variables: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """The conversation as tokens. Raises RequestError (the template refuses), EngineError (closed meanwhile)."""
        render = self.template.render
        return await self._in_thread(lambda: self._tokens(render(messages, tools=tools, variables=variables)))

    async def tokenize(self, text: str) -> list[int]:
        return await self._in_thread(lambda: self.engine.tokenize(text, special=False))

    async def close(self) -> None:
        """End every answer, save sessions, free the memory; waits for what still reads the vocabulary."""
        self._closing = True
        await self._unread.wait()
        await asyncio.get_running_loop().run_in_executor(self._threads, self.engine.close)
        self._threads.shutdown(wait=False)

    def _tokens(self, prompt: Prompt) -> list[int]:
        tokens: list[int] = []
        for text, special in prompt.pieces:
            tokens += self.engine.tokenize(text, special=special)
        return tokens

    async def _in_thread(self, work: Callable[[], list[int]]) -> list[int]:
        """The vocabulary may not be freed under `work`, so it is counted even where its caller has left."""
        if self._closing:
            raise EngineError("The model is being closed.", "Ask again in a moment.")
        self._readers += 1
        self._unread.clear()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(lambda _: self._left())
        return await asyncio.shield(future)

    def _left(self) -> None:
        self._readers -= 1
        if not self._readers:
            self._unread.set()


def public_id(summary: ModelSummary) -> str:
    """What the model is called in the API: its id, or the file's name where the id is a path of this machine."""
    is_path = summary.id.startswith(("/", "~", ".")) or summary.id.endswith(".gguf")
    return Path(summary.id).stem if is_path else summary.id
