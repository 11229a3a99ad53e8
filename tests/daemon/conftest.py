"""Real engine processes in homes of their own, over the demo model and over one that never ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

START_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """`python -m shammah_tui daemon`, in the foreground, with TCP."""

    process: subprocess.Popen[bytes]
    home: Path
    url: str

    @property
    def socket(self) -> Path:
        return self.home / "daemon.sock"

    @property
    def token(self) -> str:
        return (self.home / "daemon.token").read_text().strip()

    @property
    def log(self) -> str:
        return (self.home / "engine.log").read_text()

    def http(self) -> httpx2.Client:
        """By the Unix socket."""
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        return httpx2.Client(transport=transport, base_url="http://engine", timeout=60)

    def tcp(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)


def start_engine(home: Path, *arguments: str, ready: bool = True, **variables: str) -> EngineProcess:
    home.mkdir(parents=True, exist_ok=True)
    log = home / "engine.log"
    environment = {**os.environ, "SHAMMAH_HOME": str(home), "SHAMMAH_OFFLINE": "true", **variables}
    command = [sys.executable, "-m", "shammah_tui", "daemon", "--bind", "127.0.0.1:0", *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=home)
    deadline = time.monotonic() + START_SECONDS
    while not (found := re.search(r"listening on (http://\S+)/v1", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    engine = EngineProcess(process, home, found[1])
    if ready:
        with engine.http() as http:
            while http.get("/health").json()["phase"] != "ready":
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
    return engine


def end_engine(engine: EngineProcess) -> None:
    if engine.process.poll() is None:
        engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(20) == 0, engine.log
    assert not engine.socket.exists()
    assert not (engine.home / "daemon.pid").exists()


@pytest.fixture(scope="module")
def demo_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The demo model; for tests that leave it as they found it."""
    engine = start_engine(tmp_path_factory.mktemp("e"), "--model", "demo")
    yield engine
    end_engine(engine)


@pytest.fixture(scope="module")
def endless_engine(tmp_path_factory: pytest.TempPathFactory, endless_model: Path) -> Iterator[EngineProcess]:
    """Two slots and a queue of eight."""
    engine = start_engine(
        tmp_path_factory.mktemp("e"),
        "--model",
        str(endless_model),
        SHAMMAH_MODEL_SLOTS="2",
        SHAMMAH_ENGINE_QUEUE="8",
        SHAMMAH_MODEL_CONTEXT_TOKENS="16384",
    )
    yield engine
    end_engine(engine)
