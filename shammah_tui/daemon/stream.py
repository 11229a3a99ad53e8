"""Server-Sent Events of our own streams, with pings: over TCP a client that vanished is noticed by writing to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.types import Send

PING_SECONDS = 15.0
_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


async def send_events(send: Send, events: AsyncGenerator[bytes, None]) -> None:
    """Each of `events` (JSON) as one event. An error before the first is raised before anything is sent."""
    async with aclosing(events), aclosing(_with_pings(events)) as lines:
        line = await anext(lines, None)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        while line is not None:
            await send({"type": "http.response.body", "body": line, "more_body": True})
            line = await anext(lines, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _with_pings(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    following = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=PING_SECONDS)
            if not done:
                yield b": ping\n\n"
                continue
            event = following.result()
            if event is None:
                return
            yield b"data: " + event + b"\n\n"
            following = asyncio.ensure_future(anext(events, None))
    finally:
        following.cancel()
        await asyncio.wait({following})
