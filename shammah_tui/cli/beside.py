"""The runtime's event loop in a thread beside the one that reads lines: a person who thinks about the next line stops
neither the engine's start nor what is learned meanwhile.

The main thread keeps what only it can have: the terminal's line editing, and Ctrl+C.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Beside:
    """Made and used by the main thread; `close()` ends the loop with all that runs in it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="runtime", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it there and wait for it; Ctrl+C cancels it."""
        running = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return running.result()
        except KeyboardInterrupt:
            running.cancel()
            raise

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it there; nobody waits for it, and it tells its own errors."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def soon(self, function: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(function)

    def events(self, stream: AsyncGenerator[T, None], beat_seconds: float) -> Generator[T | None, None, None]:
        """What `stream` yields there, and None whenever nothing came for a beat. Closing it closes the stream, and
        returns when that has let go of everything."""
        received: queue.SimpleQueue[T | _Over] = queue.SimpleQueue()
        relay = _Relay(stream, received)
        self.soon(relay.begin)
        try:
            while True:
                try:
                    event = received.get(timeout=beat_seconds)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(event, _Over):
                    break
                yield event
        finally:
            self.soon(relay.end)
            relay.wait()
        relay.raise_failure()

    def close(self) -> None:
        self.call(_cancel_all())
        self.soon(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class _Over:
    """The stream gives no more."""


class _Relay(Generic[T]):
    """From a stream in the loop's thread to a queue. A task that is cancelled before it began still ends it."""

    def __init__(self, stream: AsyncGenerator[T, None], received: queue.SimpleQueue[T | _Over]) -> None:
        self._stream = stream
        self._received = received
        self._task: asyncio.Task[None] | None = None
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._over)

    def _over(self, _: asyncio.Task[None]) -> None:
        self._received.put(_Over())
        self._ended.put(None)

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def wait(self) -> None:
        self._ended.get()

    def raise_failure(self) -> None:
        if self._task is not None and not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        async with aclosing(self._stream) as events:
            async for event in events:
                self._received.put(event)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
