"""One engine a home, from its first line to its last, whatever was left behind before."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shammah_tui.config.settings import Settings
from shammah_tui.daemon.lifecycle import serve
from shammah_tui.errors import ConfigError, EngineError
from shammah_tui.process import PidFile
from tests.daemon.conftest import EngineProcess, end_engine, start_engine


def leftovers(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()} - {"engine.log", "daemon.token", "cache", "log", "config.toml"}


def test_a_second_engine_for_the_same_home_says_so_and_leaves(demo_engine: EngineProcess) -> None:
    environment = {**os.environ, "SHAMMAH_HOME": str(demo_engine.home)}
    second = subprocess.run(
        [sys.executable, "-m", "shammah_tui", "daemon"], env=environment, capture_output=True, text=True, timeout=30
    )
    assert second.returncode == 1
    assert f"runs already for this home (process {demo_engine.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    with demo_engine.http() as http:
        assert http.get("/health").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    engine = start_engine(tmp_path / "h", "--model", "demo", ready=number != signal.SIGINT)
    engine.process.send_signal(number)
    assert engine.process.wait(20) == 0, engine.log
    assert leftovers(engine.home) == set()


def test_a_session_is_warm_again_after_a_restart(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(150))
    body = {"messages": [{"role": "user", "content": words}], "max_tokens": 2, "temperature": 0}
    cached = []
    for _ in range(2):
        engine = start_engine(tmp_path / "h", "--model", "demo")
        with engine.http() as http:
            response = http.post("/v1/chat/completions", json=body, headers={"x-shammah-session": "s1"})
            usage = response.json()["usage"]
            cached.append(usage["prompt_tokens_details"]["cached_tokens"])
        end_engine(engine)
    assert cached[0] == 0
    assert cached[1] > 0.9 * usage["prompt_tokens"]


def test_a_signal_in_the_middle_of_answers_and_streams_ends_it_soon(tmp_path: Path, endless_model: Path) -> None:
    engine = start_engine(tmp_path / "h", "--model", str(endless_model))
    with engine.http() as http, http.stream("GET", "/v1/shammah/events") as events:
        body = {"messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": 10_000}
        with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            pieces, states = answer.iter_bytes(), events.iter_bytes()
            next(pieces)
            next(states)
            began = time.monotonic()
            engine.process.send_signal(signal.SIGTERM)
            assert engine.process.wait(20) == 0, engine.log
            assert time.monotonic() - began < 8
    assert leftovers(engine.home) == set()


def test_what_a_killed_engine_left_is_taken_over(tmp_path: Path) -> None:
    killed = start_engine(tmp_path / "h", "--model", "demo", ready=False)
    killed.process.kill()
    killed.process.wait()
    assert leftovers(killed.home) == {"daemon.pid", "daemon.sock"}
    end_engine(start_engine(killed.home, "--model", "demo"))
    assert leftovers(killed.home) == set()


@pytest.mark.parametrize("content", [b"", b"garbage", b'{"pid": 1, "started_at": 5}', b'{"pid": "x"}'])
def test_a_pid_file_of_nobody_is_taken_over(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "h"
    home.mkdir()
    (home / "daemon.pid").write_bytes(content)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(home / "daemon.sock"))
    end_engine(start_engine(home, "--model", "demo", ready=False))


def test_it_leaves_when_its_last_client_has_left(tmp_path: Path) -> None:
    engine = start_engine(tmp_path / "h", "--model", "demo", "--keep-alive", "1s")
    with engine.http() as http:
        with http.stream("GET", "/v1/shammah/events") as events:
            states = events.iter_bytes()
            next(states)
            time.sleep(1.5)
            assert engine.process.poll() is None
            assert http.get("/health").json()["keep_alive_seconds"] == 1
        left = time.monotonic()
        assert engine.process.wait(20) == 0
        assert 0.8 < time.monotonic() - left < 6
    assert leftovers(engine.home) == set()


def test_a_keep_alive_of_zero_lets_the_first_client_come_and_ends_with_it(tmp_path: Path) -> None:
    engine = start_engine(tmp_path / "h", "--model", "demo", "--keep-alive", "0")
    with engine.http() as http:
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
        assert http.post("/v1/chat/completions", json=body).status_code == 200
    assert engine.process.wait(20) == 0


def test_a_keep_alive_of_zero_lets_a_client_come_that_first_asks_for_its_model(tmp_path: Path) -> None:
    engine = start_engine(tmp_path / "h", "--model", "demo", "--keep-alive", "0")
    with engine.http() as http:
        assert http.post("/v1/shammah/model", json={"model": "demo"}).status_code == 200
        with http.stream("GET", "/v1/shammah/events") as events:
            states = events.iter_bytes()
            assert b"ready" in next(states)
            assert http.get("/health").json()["status"] == "ok"
    assert engine.process.wait(20) == 0


@pytest.mark.parametrize("options", [{"keep_alive": "soon"}, {"bind": "0.0.0.0:1"}, {"bind": "nonsense"}])
def test_what_cannot_be_understood_is_refused_before_anything_is_made(
    own_ground: Path, options: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        serve(Settings(), **options)  # type: ignore[arg-type]
    assert not own_ground.exists()


def test_a_port_in_use_is_said_and_nothing_stays(tmp_path: Path) -> None:
    home = tmp_path / "h"
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "shammah_tui", "daemon", "--bind", bind, "--model", "demo"],
            env={**os.environ, "SHAMMAH_HOME": str(home)}, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert ended.returncode == 2
    assert "not possible" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert leftovers(home) == set()


def test_the_home_is_held_by_one_process_of_ours(own_ground: Path) -> None:
    own_ground.mkdir()
    held, other = PidFile(own_ground / "daemon.pid"), PidFile(own_ground / "daemon.pid")
    assert held.acquire()
    assert not other.acquire()
    with pytest.raises(EngineError, match="runs already"):
        serve(Settings())
    held.release()
    assert other.acquire()
    other.release()
