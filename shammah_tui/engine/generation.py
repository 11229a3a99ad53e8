"""One answer on its way from the scheduler's thread to whoever asked, on whichever event loop that is."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable

from shammah_tui.engine.request import GenerationEnded, GenerationRequest, TextGenerated
from shammah_tui.engine.sampling import CompiledGrammar

Item = TextGenerated | GenerationEnded | Exception


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Job:
    """A request under way, shared by two threads: the scheduler puts, one reader takes.

    `cancelled` is only ever set, and read once a token: a plain attribute is enough under the GIL.
    """

    def __init__(
        self,
        request: GenerationRequest,
        prompt: list[int],
        grammar: CompiledGrammar | None,
        on_cancel: Callable[[Job], None],
    ) -> None:
        self.request = request
        self.grammar = grammar
        self.prompt = prompt
        self.asked_at = time.perf_counter()
        self.cancelled = False
        self._on_cancel = on_cancel
        self._over = False
        self._lock = threading.Lock()
        self._items: list[Item] = []
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    def cancel(self) -> None:
        """Does nothing to an answer that is over: the scheduler is not to be disturbed for it."""
        if not self.cancelled and not self._over:
            self.cancelled = True
            self._on_cancel(self)

    def put(self, item: Item) -> None:
        """From the scheduler's thread. A reader whose event loop is gone counts as having left."""
        with self._lock:
            self._items.append(item)
            self._over = not isinstance(item, TextGenerated)
            waiting, self._waiter = self._waiter, None
        if waiting:
            loop, waiter = waiting
            try:
                loop.call_soon_threadsafe(_wake, waiter)
            except RuntimeError:  # the loop is closed
                self.cancelled = True

    async def take(self) -> list[Item]:
        """All that has come since; waits for the first."""
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                if self._items:
                    items, self._items = self._items, []
                    return items
                waiter = loop.create_future()
                self._waiter = (loop, waiter)
            await waiter


class LlamaGeneration:
    """The reader's end of a `Job`; see the port `Generation`. Dropping it unread cancels, as leaving early does."""

    def __init__(self, job: Job) -> None:
        self._job = job
        weakref.finalize(self, job.cancel).atexit = False

    def cancel(self) -> None:
        self._job.cancel()

    async def __aiter__(self) -> AsyncIterator[TextGenerated | GenerationEnded]:
        job = self._job
        try:
            while True:
                for item in await job.take():
                    if isinstance(item, Exception):
                        raise item
                    yield item
                    if isinstance(item, GenerationEnded):
                        return
        finally:
            job.cancel()
