"""Who may ask now: a bounded queue before the model, first come, first served; and who is here at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from shammah_tui.errors import EngineBusy


class Admission:
    """At most `running` requests are with the engine, at most `waiting` more wait; a further one is refused at once,
    before its body is read, so that memory stays bounded."""

    def __init__(self, *, running: int, waiting: int) -> None:
        self._places = running + waiting
        self._running = asyncio.Semaphore(running)
        self._slots = running
        self._taken = 0
        self._seconds_per_request = 1.0
        self.refused_total = 0

    @property
    def taken(self) -> int:
        return self._taken

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue. Raises EngineBusy."""
        if self._taken >= self._places:
            self.refused_total += 1
            wait = min(60.0, max(1.0, self._seconds_per_request * (self._taken / self._slots)))
            raise EngineBusy(
                "Too many requests are waiting for the model.",
                f"Try again in {wait:.0f} s.",
                retry_after_seconds=wait,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn with the engine, in order of arrival."""
        async with self._running:
            began = time.monotonic()
            yield
            self._seconds_per_request = 0.8 * self._seconds_per_request + 0.2 * (time.monotonic() - began)


class Presence:
    """Counts clients: event streams that are open and requests under way. Work goes on without them."""

    def __init__(self) -> None:
        self.count = 0
        self._working = 0
        self._anybody_came = False
        self._changed = asyncio.Event()

    @contextmanager
    def visit(self) -> Iterator[None]:
        self._anybody_came = True
        self.count += 1
        self._announce()
        try:
            yield
        finally:
            self.count -= 1
            self._announce()

    @contextmanager
    def work(self) -> Iterator[None]:
        """What is to be done to its end, whoever is here; it is no client, and who ordered it may still come."""
        self._working += 1
        self._announce()
        try:
            yield
        finally:
            self._working -= 1
            self._announce()

    async def until_deserted(self, keep_alive_seconds: float, *, first_seconds: float) -> None:
        """Return once nobody was here, and nothing done, for `keep_alive_seconds`; the first visitor is given
        `first_seconds` to come."""
        while True:
            changed = self._changed
            allowed = keep_alive_seconds if self._anybody_came else max(keep_alive_seconds, first_seconds)
            try:
                async with asyncio.timeout(None if self.count or self._working else allowed):
                    await changed.wait()
            except TimeoutError:
                return

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
