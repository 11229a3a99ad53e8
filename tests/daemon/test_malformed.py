"""Whatever is sent, the answer is an error in OpenAI's form, never a trace back, and the engine lives."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import psutil
import pytest

from tests.daemon.conftest import EngineProcess

USER = {"role": "user", "content": "Hello"}
JSON = {"content-type": "application/json"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}

CHOICE = {"type": "function", "function": {"name": "g"}}
WIDE = {"properties": {f"k{n}": {"enum": [n]} for n in range(9000)}}


def body(**fields: Any) -> bytes:
    return json.dumps({"messages": [USER], "max_tokens": 1, **fields}).encode()


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def deep_schema(depth: int) -> Any:
    return {"properties": {"a": deep_schema(depth - 1)}} if depth else {}


def tool_with(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


CORPUS: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no json": (b"{", 400),
    "a list": (b"[]", 400),
    "a number": (b"17", 400),
    "null": (b"null", 400),
    "invalid utf-8": (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
    "utf-16": (json.dumps({"messages": [USER]}).encode("utf-16"), 400),
    "nan": (b'{"messages": [{"role":"user","content":"x"}], "temperature": NaN}', 400),
    "infinity": (b'{"messages": [{"role":"user","content":"x"}], "temperature": 1e999}', 400),
    "a number of many digits": (b'{"seed": ' + b"9" * 10_000 + b"}", 400),
    "deep nesting": (nested(100_000).encode(), 400),
    "deep messages": (b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
    "deep schema": (body(tools=[tool_with(deep_schema(100))]), 400),
    "no messages": (body(messages=[]), 400),
    "messages of another kind": (body(messages="hello"), 400),
    "a message of no role": (body(messages=[{"content": "x"}]), 400),
    "a message of an unknown role": (body(messages=[{"role": "god", "content": "x"}]), 400),
    "10,000 messages": (body(messages=[USER] * 10_000), 400),
    "an image": (body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]), 400),
    "a billion tokens": (body(max_tokens=10**9), 400),
    "minus one token": (body(max_tokens=-1), 400),
    "no token": (body(max_tokens=0), 400),
    "half a token": (body(max_tokens=1.5), 400),
    "too hot": (body(temperature=99), 400),
    "temperature in words": (body(temperature="warm"), 400),
    "top_p below zero": (body(top_p=-0.1), 400),
    "two choices": (body(n=2), 400),
    "likely other tokens": (body(logprobs=True, top_logprobs=5), 400),
    "too many stops": (body(stop=["x"] * 99), 400),
    "a stop of another kind": (body(stop=5), 400),
    "an endless stop": (body(stop="x" * 100_000), 400),
    "an unknown model": (body(model="gpt-4o"), 404),
    "a path": (body(model="/etc/passwd"), 400),
    "a path upwards": (body(model="../../secret"), 400),
    "a home path": (body(model="~/x.gguf"), 400),
    "a name with a NUL": (body(model="a\0b"), 400),
    "a tool without a name": (body(tools=[{"type": "function", "function": {}}]), 400),
    "a tool with a strange name": (body(tools=[{"type": "function", "function": {"name": "a b\n"}}]), 400),
    "two tools of one name": (body(tools=[TOOL, TOOL]), 400),
    "too many tools": (body(tools=[TOOL] * 1000), 400),
    "a choice that is not there": (body(tools=[TOOL], tool_choice=CHOICE), 400),
    "a required call without tools": (body(tool_choice="required"), 400),
    "a schema that refers nowhere": (body(tools=[tool_with({"$ref": "#/nowhere"})]), 400),
    "a schema of itself": (body(tools=[tool_with({"$ref": "#"})], tool_choice="required"), 400),
    "an unknown type": (body(tools=[tool_with({"type": "object", "properties": {"a": {"type": "x"}}})]), 400),
    "a schema beyond bounds": (body(tools=[tool_with(WIDE)]), 400),
    "a format without its schema": (body(response_format={"type": "json_schema"}), 400),
    "a call without a function": (body(messages=[USER, {"role": "assistant", "tool_calls": [{"id": "x"}]}]), 400),
}  # fmt: skip


@pytest.fixture(scope="module")
def http(demo_engine: EngineProcess) -> Iterator[httpx2.Client]:
    with demo_engine.http() as client:
        yield client


def check(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text[:500]
    error: dict[str, Any] = response.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert error["message"]
    assert "Traceback" not in response.text
    return error


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_refused_in_words(http: httpx2.Client, name: str) -> None:
    content, status = CORPUS[name]
    check(http.post("/v1/chat/completions", content=content, headers=JSON), status)
    assert http.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_refused_as_a_stream_too(http: httpx2.Client, name: str) -> None:
    content, status = CORPUS[name]
    if content.startswith(b'{"messages": [{"role": "user", "content": "Hello"}]'):
        check(http.post("/v1/chat/completions", content=content[:-1] + b', "stream": true}', headers=JSON), status)


def test_a_body_of_a_hundred_megabytes_is_refused_and_not_kept(demo_engine: EngineProcess, http: httpx2.Client) -> None:
    before = psutil.Process(demo_engine.process.pid).memory_info().rss
    pieces = (b" " * 2**20 for _ in range(100))
    check(http.post("/v1/chat/completions", content=pieces, headers=JSON), 413)
    assert psutil.Process(demo_engine.process.pid).memory_info().rss - before < 60 * 2**20


def test_a_body_that_says_it_is_large_is_not_read(demo_engine: EngineProcess) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(demo_engine.socket))
        raw.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n"
        )
        raw.settimeout(10)
        assert b" 413 " in raw.recv(1000)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET /v1/models/%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["bytes", "version", "negative length", "bad chunk", "long header", "strange path"],
)
def test_what_is_hardly_http_does_not_end_the_engine(demo_engine: EngineProcess, raw: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(demo_engine.socket))
        peer.settimeout(10)
        with suppress(ConnectionError):  # it may be closed on us
            peer.sendall(raw)
            assert b" 200 " not in peer.recv(1000)
    with demo_engine.http() as http:
        assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models//etc/passwd", 400),
        ("DELETE", "/v1/models/demo", 405),
    ],
)
def test_routes_and_methods_that_are_not_there(http: httpx2.Client, method: str, path: str, status: int) -> None:
    check(http.request(method, path), status)


@pytest.mark.parametrize("route", ["/v1/shammah/model", "/v1/shammah/tokenize", "/v1/shammah/stop"])
@pytest.mark.parametrize("content", [b"{", b"[]", b'{"model": 5, "messages": 5, "text": []}', b"\xff"])
def test_our_own_routes_refuse_in_the_same_form(http: httpx2.Client, route: str, content: bytes) -> None:
    if route.endswith("stop") and content.startswith(b'{"'):
        pytest.skip("it takes any object")
    check(http.post(route, content=content, headers=JSON), 400)


@pytest.mark.parametrize("depth", [200, 400, 600, 900, 2000])
def test_any_depth_of_a_schema_is_answered(http: httpx2.Client, depth: int) -> None:
    content = body(tools=[tool_with({"a": "here"})]).replace(b'{"a": "here"}', nested(depth).encode())
    response = http.post("/v1/chat/completions", content=content, headers=JSON)
    assert response.status_code in (200, 400), response.text[:300]


def test_lone_surrogates_and_strange_texts_are_read(http: httpx2.Client) -> None:
    for text in ("\\ud800", "\\u0000", "\U0010fff0", "<|im_start|>", "{{ 7 * 7 }}", "", " " * 1000):
        content = b'{"messages": [{"role": "user", "content": "' + text.encode() + b'"}], "max_tokens": 2}'
        assert http.post("/v1/chat/completions", content=content, headers=JSON).status_code == 200


def test_wait_and_session_headers_are_checked(http: httpx2.Client) -> None:
    for name, value in (("x-shammah-wait", "soon"), ("x-shammah-wait", "-1"), ("x-shammah-wait", "nan"),
                        ("x-shammah-session", "../x"), ("x-shammah-session", "a" * 200)):  # fmt: skip
        check(http.post("/v1/chat/completions", content=body(), headers={**JSON, name: value}), 400)
