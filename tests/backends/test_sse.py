"""Server-Sent Events are read as they were sent, however the bytes were cut."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shammah_tui.backends import sse
from shammah_tui.errors import EngineError


async def read(*chunks: bytes) -> list[str]:
    async def given_chunks() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [data async for data in sse.data_of(given_chunks())]


async def test_comments_other_fields_and_line_ends() -> None:
    text = ": ping\n\ndata: a\n\nevent: x\r\ndata:b\r\ndata: c\r\n\r\ndata: \u2028 d\x85\n\nid: 5\n\ndata: cut"
    assert await read(text.encode()) == ["a", "b\nc", "\u2028 d\x85"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), max_size=5),
    st.integers(1, 7),
)
async def test_any_cut_gives_the_same(texts: list[str], size: int) -> None:
    raw = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert await read(*(raw[at : at + size] for at in range(0, len(raw), size))) == texts


async def test_an_event_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "EVENT_BYTES_MAX", 1000)
    with pytest.raises(EngineError):
        await read(b"data: ", b"x" * 2000)
