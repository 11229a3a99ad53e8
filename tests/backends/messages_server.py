"""A server on loopback that speaks Anthropic's Messages API to the real SDK: the event sequence of its streams, its
errors, its rules for what may be sent, its prompt cache and its signed thinking.

A test gives it replies, which it hands out in turn, or a function of the request:

    async with MessagesServer.running([answer("Hello.")]) as server:
        ...  # the client's base_url is server.url; server.requests holds the bodies it was sent

A person runs it with `python -m tests.backends.messages_server`, and sets `claude.base_url` and any key.

What it checks and says follows the documentation at platform.claude.com (API reference: Messages, errors, streaming;
preserved thinking) and the types of anthropic 2.12, as read on 2026-11-26. It counts four characters as one token.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from tests.backends.messages_rules import Refusal, check, prefix_of, tokens_of

BODY_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Think:
    text: str
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    input: dict[str, Any]
    id: str = ""
    """One is made up where it is empty."""


Block = Text | Think | Call


@dataclass(frozen=True, slots=True)
class Answer:
    """A stream. `stop_reason` follows from the blocks where it is empty."""

    blocks: tuple[Block, ...]
    stop_reason: str = ""
    stop_details: dict[str, Any] | None = None
    piece_characters: int = 7
    pause_seconds: float = 0.0
    """Before each event."""
    cut_after: int | None = None
    """Close the connection after so many events, without a word."""
    stall_after: int | None = None
    """Send nothing more after so many events, and keep the connection."""
    error_after: int | None = None
    error: tuple[str, str] = ("overloaded_error", "Overloaded")
    """The `event: error` that takes the place of event number `error_after`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A response without a stream. `type` is that of the error object."""

    status: int
    type: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes in place of any HTTP."""

    data: bytes


Reply = Answer | Fault | Raw
Script = Sequence[Reply] | Callable[[dict[str, Any]], Reply]


def answer(*blocks: Block | str, **options: Any) -> Answer:
    return Answer(tuple(Text(block) if isinstance(block, str) else block for block in blocks), **options)


@dataclass
class MessagesServer:
    """`requests`: the bodies that were taken; `heads`: of every request its headers, lower case."""

    script: Script
    key: str = "sk-ant-test"
    url: str = ""
    strict: bool = True
    """Whether requests are held to the API's rules."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    left: int = 0
    """How many clients went away in the middle of a stream."""
    received_bytes: int = 0
    """Of bodies."""
    _served: int = 0
    _cached: set[str] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, script: Script, *, port: int = 0, key: str = "sk-ant-test", strict: bool = True
    ) -> AsyncIterator[MessagesServer]:
        own = cls(script, key, strict=strict)
        server = await asyncio.start_server(own._connected, "127.0.0.1", port)
        own.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield own

    def _next(self, body: dict[str, Any]) -> Reply:
        if callable(self.script):
            return self.script(body)
        self._served += 1
        if self._served > len(self.script):
            return Fault(400, "invalid_request_error", "The test's script has no further reply.")
        return self.script[self._served - 1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left += 1
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        head = {name.lower(): value for name, _, value in (line.partition(": ") for line in request[1:])}
        self.heads.append(head)
        data = await reader.readexactly(min(int(head.get("content-length", "0")), BODY_BYTES_MAX))
        self.received_bytes += len(data)
        reply = self._judge(request[0], head, data)
        match reply:
            case Raw():
                writer.write(reply.data)
                await writer.drain()
            case Fault():
                await _send_fault(writer, reply)
            case Answer():
                leaving = asyncio.create_task(reader.read())
                streaming = asyncio.create_task(self._stream(writer, reply, self.requests[-1]))
                await asyncio.wait({leaving, streaming}, return_when=asyncio.FIRST_COMPLETED)
                if not streaming.done():
                    self.left += 1
                leaving.cancel()
                streaming.cancel()
                await asyncio.wait({leaving, streaming})
                if not streaming.cancelled():
                    streaming.result()

    def _judge(self, line: str, head: dict[str, str], data: bytes) -> Reply:
        # The library sends a key as a bearer token; other clients as `x-api-key`.
        if self.key not in (head.get("x-api-key"), head.get("authorization", "").removeprefix("Bearer ")):
            return Fault(401, "authentication_error", "invalid x-api-key")
        if not line.startswith("POST /v1/messages"):
            return Fault(404, "not_found_error", "Not found")
        try:
            body = json.loads(data)
            if self.strict:
                check(body, head)
        except ValueError:
            return Fault(400, "invalid_request_error", "The request body is not valid JSON.")
        except Refusal as refusal:
            return Fault(refusal.status, refusal.type, refusal.message)
        self.requests.append(body)
        return self._next(body)

    async def _stream(self, writer: asyncio.StreamWriter, reply: Answer, body: dict[str, Any]) -> None:
        head = (
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
            f"request-id: req_{secrets.token_hex(12)}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode())
        for number, (name, data) in enumerate(self._events(reply, body)):
            if number == reply.cut_after:
                return
            if number == reply.stall_after:
                await asyncio.sleep(3600)
            if number == reply.error_after:
                kind, message = reply.error
                name, data = "error", {"type": "error", "error": {"type": kind, "message": message}}
            text = f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
            writer.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
            await writer.drain()
            await asyncio.sleep(reply.pause_seconds)
            if name == "error":
                return
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _events(self, reply: Answer, body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        usage = self._input_usage(body)
        message = {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": {**usage, "output_tokens": 1, "service_tier": "standard"},
        }
        events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
        written = 0
        for index, block in enumerate(reply.blocks):
            for number, event in enumerate(_block_events(index, block, reply.piece_characters, body, reply.blocks)):
                events.append(event)
                if index == 0 and number == 0:
                    events.append({"type": "ping"})
            written += len(json.dumps(block.input) if isinstance(block, Call) else block.text)
        calls = any(isinstance(block, Call) for block in reply.blocks)
        delta = {
            "stop_reason": reply.stop_reason or ("tool_use" if calls else "end_turn"),
            "stop_sequence": None,
            "stop_details": reply.stop_details,
        }
        events.append({"type": "message_delta", "delta": delta, "usage": {**usage, "output_tokens": 1 + written // 4}})
        events.append({"type": "message_stop"})
        return [(str(event["type"]), event) for event in events]

    def _input_usage(self, body: dict[str, Any]) -> dict[str, int]:
        """What of the prompt was in the cache, and what is there now, by its breakpoints."""
        marks = prefix_of(body)
        read = max((tokens for digest, tokens in marks.breakpoints if digest in self._cached), default=0)
        written = max((tokens for _, tokens in marks.breakpoints), default=read)
        self._cached |= {digest for digest, _ in marks.breakpoints}
        return {
            "input_tokens": tokens_of(body) - written,
            "cache_creation_input_tokens": max(0, written - read),
            "cache_read_input_tokens": read,
        }


def _block_events(
    index: int, block: Block, size: int, body: dict[str, Any], blocks: tuple[Block, ...]
) -> list[dict[str, Any]]:
    start: dict[str, Any]
    match block:
        case Text():
            start = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block.text, size)]
        case Call():
            identity = block.id or f"toolu_{secrets.token_hex(12)}"
            start = {"type": "tool_use", "id": identity, "name": block.name, "input": {}}
            text = json.dumps(block.input, ensure_ascii=False)
            # The first piece of a tool's input is always empty.
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_pieces(text, size)]]
        case Think() if block.redacted:
            start = {"type": "redacted_thinking", "data": sign(body, block.text)}
            deltas = []
        case Think():
            start = {"type": "thinking", "thinking": "", "signature": ""}
            shown = _pieces(block.text, size) if _shows_thinking(body) else []
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
            deltas.append({"type": "signature_delta", "signature": sign(body, block.text if shown else "")})
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _shows_thinking(body: dict[str, Any]) -> bool:
    """Newer models leave the text out unless they are told to sum it up."""
    thinking = body.get("thinking") or {}
    return thinking.get("display") == "summarized" or thinking.get("type") == "enabled"


def sign(body: dict[str, Any], thinking: str) -> str:
    """Binds thinking to the model and to all that came before it, as newer models do."""
    return hashlib.sha256(f"{prefix_of(body).digest}|{thinking}".encode()).hexdigest()


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


async def _send_fault(writer: asyncio.StreamWriter, fault: Fault) -> None:
    request = f"req_{secrets.token_hex(12)}"
    error = {"type": "error", "error": {"type": fault.type, "message": fault.message}, "request_id": request}
    data = json.dumps(error).encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in fault.headers)
    writer.write(
        f"HTTP/1.1 {fault.status} X\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n"
        f"request-id: {request}\r\n{extra}connection: close\r\n\r\n".encode()
        + data
    )
    await writer.drain()


async def _run(port: int, key: str, pause_seconds: float) -> None:
    from tests.backends.messages_brain import reply_to

    def script(body: dict[str, Any]) -> Reply:
        reply = reply_to(body)
        if isinstance(reply, Answer) and not reply.pause_seconds:
            return replace(reply, pause_seconds=pause_seconds)
        return reply

    async with MessagesServer.running(script, port=port, key=key) as server:
        print(f"The Messages API is at {server.url} with the key {key}.", flush=True)
        print(f"  SHAMMAH_CLAUDE_BASE_URL={server.url} ANTHROPIC_API_KEY={key} shammah", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.backends.messages_server", description=_run.__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--key", default="sk-ant-test")
    parser.add_argument("--pause", type=float, default=0.02, metavar="SECONDS", help="before each event of a stream")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(options.port, options.key, options.pause))


if __name__ == "__main__":
    # The classes of this module are those that others import, not those of `__main__`.
    from tests.backends import messages_server

    messages_server.main()
