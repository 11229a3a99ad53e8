"""Many at once, and clients that leave: the queue is bounded, nobody starves, and no token is made for nobody."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.daemon.conftest import EngineProcess

LONG: dict[str, Any] = {"messages": [{"role": "user", "content": "Go on"}], "stream": True, "temperature": 0}


@pytest.fixture
async def http(endless_engine: EngineProcess) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(uds=str(endless_engine.socket), limits=limits)
    async with httpx2.AsyncClient(transport=transport, base_url="http://engine", timeout=60) as client:
        yield client


async def metrics(http: httpx2.AsyncClient) -> dict[str, float]:
    lines = (await http.get("/metrics")).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def until(http: httpx2.AsyncClient, name: str, least: float) -> None:
    deadline = time.monotonic() + 10
    while True:
        if (await metrics(http))[name] >= least:
            return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def until_idle(http: httpx2.AsyncClient, seconds: float = 10) -> dict[str, float]:
    deadline = time.monotonic() + seconds
    while True:
        values = await metrics(http)
        if not values["shammah_requests_active"] and not values["shammah_clients"]:
            return values
        assert time.monotonic() < deadline, values
        await asyncio.sleep(0.02)


async def test_a_client_that_leaves_ends_the_generation(http: httpx2.AsyncClient) -> None:
    before = (await until_idle(http))["shammah_generated_tokens_total"]
    pieces = 0
    async with http.stream("POST", "/v1/chat/completions", json={**LONG, "max_tokens": 10_000}) as response:
        async for _ in response.aiter_bytes():
            pieces += 1
            if pieces == 10:
                break
    left = time.monotonic()
    after = (await until_idle(http))["shammah_generated_tokens_total"]
    assert time.monotonic() - left < 1.0
    assert 0 < after - before < 2000


async def test_a_client_that_leaves_without_a_stream_ends_it_too(http: httpx2.AsyncClient) -> None:
    asking = asyncio.create_task(
        http.post("/v1/chat/completions", json={**LONG, "stream": False, "max_tokens": 10_000})
    )
    await until(http, "shammah_requests_active", 1)
    asking.cancel()
    await asyncio.wait({asking})
    await until_idle(http, 2)


async def test_a_client_that_leaves_the_queue_frees_its_place(http: httpx2.AsyncClient) -> None:
    asking = [
        asyncio.create_task(http.post("/v1/chat/completions", json={**LONG, "stream": False, "max_tokens": 10_000}))
        for _ in range(10)
    ]
    await until(http, "shammah_clients", 10)
    assert (await http.post("/v1/chat/completions", json=LONG)).status_code == 429
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    await until_idle(http)
    assert (await http.post("/v1/chat/completions", json={**LONG, "max_tokens": 2})).status_code == 200


async def test_two_hundred_at_once_are_answered_or_told_to_come_again(http: httpx2.AsyncClient) -> None:
    """Two slots and a queue of eight: ten are taken, and each of these is answered."""

    async def ask(number: int) -> tuple[int, int]:
        question = [{"role": "user", "content": f"Question {number}"}]
        body = {**LONG, "messages": question, "max_tokens": 20, "stream": bool(number % 2)}
        response = await http.post("/v1/chat/completions", json=body)
        if response.status_code == 429:
            assert int(response.headers["retry-after"]) >= 1
            assert response.json()["error"]["code"] == "engine_busy"
            return 429, 0
        assert response.status_code == 200
        assert b"finish_reason" in response.content
        return 200, number

    answers = await asyncio.gather(*(ask(number) for number in range(200)))
    taken = [status for status, _ in answers if status == 200]
    assert 10 <= len(taken) < 200
    values = await until_idle(http)
    assert values["shammah_refused_total"] >= 200 - len(taken)


async def test_whoever_tries_again_is_answered_in_the_end(http: httpx2.AsyncClient) -> None:
    async def ask(number: int) -> float:
        began = time.monotonic()
        while True:
            body = {"messages": [{"role": "user", "content": f"{number}"}], "max_tokens": 8}
            if (await http.post("/v1/chat/completions", json=body)).status_code == 200:
                return time.monotonic() - began
            await asyncio.sleep(0.1)

    waited = await asyncio.gather(*(ask(number) for number in range(50)))
    assert max(waited) < 30


async def test_a_short_question_is_answered_beside_a_long_answer(http: httpx2.AsyncClient) -> None:
    async with http.stream("POST", "/v1/chat/completions", json={**LONG, "max_tokens": 10_000}) as long:
        pieces = long.aiter_bytes()
        await anext(pieces)
        short = await http.post("/v1/chat/completions", json={**LONG, "stream": False, "max_tokens": 5})
        assert short.json()["usage"]["completion_tokens"] == 5
        assert await anext(pieces)
    await until_idle(http)


async def test_every_chunk_is_an_event_of_one_line(http: httpx2.AsyncClient) -> None:
    response = await http.post("/v1/chat/completions", json={**LONG, "max_tokens": 50})
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["timings"]["predicted_n"] == 50
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
