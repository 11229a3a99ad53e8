"""The local backend reads what OpenAI-compatible servers send, and turns what goes wrong into words."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest

from shammah_tui.backends.local import LocalBackend
from shammah_tui.conversation import Message, ToolCall, Usage
from shammah_tui.errors import ContextOverflow, EngineBusy, EngineError, EngineGone, RequestError, ShammahError
from shammah_tui.events import TextArrived, ToolRequested, TurnEnded
from shammah_tui.tools.specification import READ
from tests.backends.server import Served, error_of, serving, stream_of

QUESTION = [Message("user", "Hello")]


def chunk(delta: dict[str, Any], reason: str | None = None, **fields: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **fields})


async def ask(served: Served, messages: list[Message] = QUESTION) -> list[Any]:
    backend = LocalBackend(served)
    events = backend.stream(messages, tools=[READ], session="s", temperature=0.5, max_tokens=9)
    return [event async for event in events]


async def test_text_usage_and_speed() -> None:
    answer = stream_of(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "He"}),
        chunk({"content": "y\u2028"}),
        chunk({}, "stop"),
        '{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, '
        '"prompt_tokens_details": {"cached_tokens": 5}}, "timings": {"predicted_per_second": 48.0}}',
        "[DONE]",
    )
    async with serving(answer) as served:
        *texts, ended = await ask(served)
    assert texts == [TextArrived("He"), TextArrived("y\u2028")]
    assert isinstance(ended, TurnEnded)
    assert (ended.finish_reason, ended.usage, ended.tokens_per_second) == ("stop", Usage(7, 2, 5), 48.0)
    assert 0 < ended.first_token_seconds <= ended.total_seconds


async def test_what_is_sent_is_openais_form() -> None:
    messages = [
        Message("system", "Be brief."),
        Message("user", "Read"),
        Message("assistant", "", (ToolCall("c1", "Read", '{"file_path": "a"}'),)),
        Message("tool", "text", tool_call_id="c1"),
    ]
    async with serving(stream_of(chunk({"content": "x"}, "stop"), "[DONE]")) as served:
        await ask(served, messages)
        head, body = served.requests[0].split(b"\r\n\r\n", 1)
    assert b"x-shammah-session: s" in head.lower()
    sent = json.loads(body)
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "Read", "arguments": '{"file_path": "a"}'}
    assert sent["messages"][3] == {"role": "tool", "content": "text", "tool_call_id": "c1"}
    assert sent["tools"][0]["function"]["name"] == "Read"
    assert (sent["temperature"], sent["max_tokens"], sent["stream"]) == (0.5, 9, True)


async def test_calls_are_told_one_after_the_other_when_complete() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {
            "tool_calls": [{"index": index, "id": f"id{index}" if "name" in function else None, "function": function}]
        }

    answer = stream_of(
        chunk({"content": "Look."}),
        chunk(call(0, name="Read", arguments="")),
        chunk(call(0, arguments='{"a"')),
        chunk(call(0, arguments=": 1}")),
        chunk(call(1, name="Glob", arguments="{}")),
        chunk({}, "tool_calls"),
        "[DONE]",
    )
    async with serving(answer) as served:
        events = await ask(served)
    assert events[:3] == [
        TextArrived("Look."),
        ToolRequested(ToolCall("id0", "Read", '{"a": 1}')),
        ToolRequested(ToolCall("id1", "Glob", "{}")),
    ]
    assert events[3].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (stream_of(), EngineGone),
        (stream_of(chunk({"content": "x"})), EngineGone),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:", EngineGone),
        (b"", EngineGone),
        (b"not http at all\r\n\r\n", EngineGone),
        (stream_of("{broken"), EngineError),
        (stream_of("[1, 2]"), EngineError),
        (stream_of('{"choices": [5]}'), EngineError),
        (stream_of('{"error": {"message": "Gone wrong.", "type": "server_error"}}'), EngineError),
        (stream_of('{"error": {"message": "No.", "type": "invalid_request_error"}}'), RequestError),
        (error_of(500, "<html>"), EngineError),
        (error_of(503, '{"error": "Loading model"}'), EngineError),
        (error_of(404, '{"error": {"message": "no such model"}}'), RequestError),
        (error_of(401, ""), RequestError),
    ],
)
async def test_what_goes_wrong_has_a_name(answer: bytes, kind: type[ShammahError]) -> None:
    async with serving(answer) as served:
        with pytest.raises(kind) as caught:
            await ask(served)
    assert type(caught.value) is kind
    assert caught.value.message


async def test_a_full_queue_says_when_to_come_again() -> None:
    async with serving(error_of(429, '{"error": {"message": "Full."}}', retry_after="7")) as served:
        with pytest.raises(EngineBusy) as caught:
            await ask(served)
    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    "details",
    [  # ours, and llama-server's
        {"code": "context_length_exceeded", "prompt_tokens": 9, "context_tokens": 5},
        {"type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 5},
    ],
)
async def test_a_conversation_that_is_too_long_is_told_as_such(
    details: dict[str, Any],
) -> None:
    body = json.dumps({"error": {"message": "Too long.", **details}})
    async with serving(error_of(400, body)) as served:
        with pytest.raises(ContextOverflow) as caught:
            await ask(served)
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (9, 5)
    assert caught.value.hint


async def test_leaving_early_closes_the_connection() -> None:
    async with serving(stream_of(chunk({"content": "x"})), hold_open=True) as served:
        backend = LocalBackend(served)
        events = backend.stream(QUESTION, tools=[], session="", temperature=0, max_tokens=5)
        async with aclosing(events):
            assert await anext(events) == TextArrived("x")
        assert not served.http._transport._pool.connections  # type: ignore[attr-defined]


async def test_certainty_is_asked_for_only_where_it_is_wanted() -> None:
    first = '{"choices": [{"delta": {"content": "a"}, "logprobs": {"content": [{"token": "a", "logprob": -0.5}]}}]}'
    last = (
        '{"choices": [{"delta": {}, "finish_reason": "stop", "logprobs": {"content": '
        '[{"token": "b", "logprob": -1.5, "entropy": 2.0}]}}]}'
    )
    async with serving(stream_of(first, last, "[DONE]")) as served:
        backend = LocalBackend(served, certainty=True)
        events = [
            event
            async for event in backend.stream(
                [Message("user", "x")], tools=(), session="s", temperature=0.0, max_tokens=5
            )
        ]
        assert b'"logprobs":true' in served.requests[0].replace(b" ", b"")
    end = events[-1]
    assert isinstance(end, TurnEnded)
    assert (end.mean_logprob, end.mean_entropy) == (-1.0, 2.0)
