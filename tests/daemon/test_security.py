"""TCP: a token on every route, a host that we are, no web page, JSON alone. A bind that others reach must be wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.daemon.security import parse_bind, read_token
from shammah_tui.errors import ConfigError, HomeError
from tests.daemon.conftest import EngineProcess

ROUTES = (
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/demo"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/v1/shammah/state"),
    ("GET", "/v1/shammah/events"),
    ("POST", "/v1/shammah/model"),
    ("POST", "/v1/shammah/tokenize"),
    ("POST", "/v1/shammah/stop"),
    ("GET", "/nowhere"),
    ("OPTIONS", "/v1/models"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("given", [None, "", "Bearer wrong", "Basic abc", "bearer", "Bearer \xff"])
def test_every_route_asks_for_the_token(demo_engine: EngineProcess, method: str, path: str, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    with demo_engine.tcp() as http:
        response = http.request(method, path, headers=headers, json={} if method == "POST" else None)  # type: ignore[arg-type]
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_a_part_of_the_token_or_two_of_them_do_not_do(demo_engine: EngineProcess) -> None:
    right = f"Bearer {demo_engine.token}"
    with demo_engine.tcp() as http:
        assert http.get("/health", headers={"authorization": right}).status_code == 200
        assert http.get("/health", headers={"authorization": right[:-1]}).status_code == 401
        assert http.get("/health", headers=[("authorization", right), ("authorization", "x")]).status_code == 401


@pytest.mark.parametrize("origin", ["null", "http://localhost", "https://evil.example", "", "http://127.0.0.1"])
def test_web_pages_are_refused(demo_engine: EngineProcess, origin: str) -> None:
    headers = {"authorization": f"Bearer {demo_engine.token}", "origin": origin}
    with demo_engine.tcp() as http:
        assert http.get("/health", headers=headers).status_code == 403
    with demo_engine.http() as http:
        assert http.get("/health", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST", 200),
        ("[::1]:{port}", 200),
        ("evil.example", 403),
        ("evil.example:{port}", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_the_host_must_be_ours(demo_engine: EngineProcess, host: str, status: int) -> None:
    port = demo_engine.url.rsplit(":", 1)[1]
    headers = {"authorization": f"Bearer {demo_engine.token}", "host": host.format(port=port)}
    with demo_engine.tcp() as http:
        assert http.get("/health", headers=headers).status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", None])
def test_json_alone_is_taken(demo_engine: EngineProcess, kind: str | None) -> None:
    headers = {"authorization": f"Bearer {demo_engine.token}"}
    if kind is not None:
        headers["content-type"] = kind
    content = json.dumps({"messages": [{"role": "user", "content": "x"}], "model": "demo", "max_tokens": 1}).encode()
    with demo_engine.tcp(**headers) as http:
        for path in ("/v1/chat/completions", "/v1/shammah/model", "/v1/shammah/stop", "/v1/shammah/tokenize"):
            assert http.post(path, content=content).status_code == 415
        good = {"content-type": "application/json; charset=utf-8"}
        assert http.post("/v1/chat/completions", content=content, headers=good).status_code == 200


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::]:80", "192.168.1.5:80", "example.org:80", "8.8.8.8:1"])
def test_a_bind_that_others_reach_must_be_wanted(bind: str) -> None:
    with pytest.raises(ConfigError, match="other machines"):
        parse_bind(bind, allow_remote=False)
    assert parse_bind(bind, allow_remote=True)[1] == int(bind.rsplit(":", 1)[1])


@pytest.mark.parametrize("bind", ["127.0.0.1:8080", "localhost:0", "[::1]:99", "127.9.9.9:1"])
def test_a_bind_of_this_machine(bind: str) -> None:
    assert parse_bind(bind, allow_remote=False)


@pytest.mark.parametrize("bind", ["", ":", "8080", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:99999", "a:b", "x:-1"])
def test_a_bind_that_is_none(bind: str) -> None:
    with pytest.raises(ConfigError):
        parse_bind(bind, allow_remote=False)


def test_the_token_is_made_once_and_is_private(own_ground: Path) -> None:
    token = read_token()
    assert len(token) >= 32
    assert read_token() == token
    assert paths.daemon_token().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "short", "\x00\xff"])
def test_a_token_that_is_unfit_is_refused(own_ground: Path, content: str) -> None:
    read_token()
    paths.daemon_token().write_text(content, "utf-8")
    with pytest.raises(HomeError):
        read_token()


def test_a_token_that_others_can_read_is_refused(own_ground: Path) -> None:
    read_token()
    paths.daemon_token().chmod(0o644)
    with pytest.raises(HomeError, match="Other users"):
        read_token()
