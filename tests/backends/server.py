"""A real HTTP server on loopback that answers a chat request with the bytes it was given, as other servers might."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2


@dataclass(slots=True)
class Served:
    """`http` leads to the server; `requests` are what it was asked, head and body."""

    http: httpx2.AsyncClient
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: bytes, *, hold_open: bool = False) -> AsyncIterator[Served]:
    """Each connection gets `answer` after its request, and is closed, or held until the client leaves."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        requests.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        if hold_open:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        yield Served(http, requests)


def stream_of(*events: str) -> bytes:
    """A whole response of Server-Sent Events, ended by closing the connection."""
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    return (head + "".join(f"data: {event}\n\n" for event in events)).encode()


def error_of(status: int, body: str, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body.encode())}\r\n{lines}\r\n{body}".encode()
