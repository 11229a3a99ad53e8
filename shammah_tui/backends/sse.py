"""Server-Sent Events as far as APIs use them: the data of each event (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from shammah_tui.errors import EngineError

EVENT_BYTES_MAX = 16 * 1024 * 1024


async def data_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """The `data` of each event, several lines of it joined by a line break. Comments and other fields are left out.

    Lines end in LF or CRLF alone: `str.splitlines` would cut at U+2028 inside a text. Raises EngineError for an event
    without an end.
    """
    held = b""
    lines: list[str] = []
    async for chunk in chunks:
        *complete, held = (held + chunk).split(b"\n")
        if len(held) > EVENT_BYTES_MAX:
            raise EngineError("The engine sent an event without an end.")
        for line in complete:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                lines.append(text[5:].removeprefix(" "))
            elif not text and lines:
                yield "\n".join(lines)
                lines = []
