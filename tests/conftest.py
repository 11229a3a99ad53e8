"""Every test runs on its own ground: its own home and model cache, no network beyond this machine, no process left
behind. What a test needs from outside comes from a local server.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

# What a person's environment may hold that would change a test, or send it elsewhere.
FOREIGN_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "EDITOR",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HUGGINGFACE_HUB_CACHE",
    "NO_COLOR",
    "OPENAI_API_KEY",
    "TRANSFORMERS_OFFLINE",
    "VISUAL",
    *(
        name
        for word in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY")
        for name in (word, word.lower())
    ),
)
LONG_FILES = ("_end_to_end", "_tour")
# A closed door on this machine, for child processes, which the guard below cannot see.
NOWHERE = "http://127.0.0.1:9"
# How long a process that was told to end may take, before it counts as left behind.
GRACE_SECONDS = 10.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few long tests go first: begun last, one of them would leave the other workers without work."""
    items.sort(key=lambda item: not item.path.stem.endswith(LONG_FILES))


class NetworkForbidden(OSError):
    """A test wanted to reach another machine."""


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, which never end an answer by chance; about 500 tokens a second, for a minute."""
    from scripts.bench.random_model import Shape, write_model

    shape = Shape("random-endless", 384, 6, 6, 2, 1536, 1024, 32_768)
    return write_model(tmp_path_factory.mktemp("m") / "endless.gguf", shape)


@pytest.fixture(autouse=True)
def own_ground(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Shammah home of this test (it is made by whoever needs it), and an environment without the person's own."""
    ground = tmp_path_factory.mktemp("ground")
    for name in (*FOREIGN_VARIABLES, *(name for name in os.environ if _is_setting(name))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHAMMAH_HOME", str(ground / "home"))
    monkeypatch.setenv("HF_HOME", str(ground / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("TZ", "UTC")
    return ground / "home"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse, and then fail the test, where it looks up or connects to anything but this machine."""
    wanted: list[str] = []

    def guarded(original: Callable[..., Any], host_of: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            host = host_of(*args)
            if host is not None and not _is_local(host):
                wanted.append(str(host))
                raise NetworkForbidden(f"tests may not reach {host}")
            return original(*args, **options)

        return call

    def peer(own: socket.socket, *args: Any) -> Any:
        return args[-1][0] if own.family in (socket.AF_INET, socket.AF_INET6) else None

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name), peer))
    monkeypatch.setattr(socket, "getaddrinfo", guarded(socket.getaddrinfo, lambda host, *_: host))
    yield
    if wanted:
        pytest.fail(f"this test wanted to reach {', '.join(sorted(set(wanted)))}")


@pytest.fixture(autouse=True)
def no_process_left(own_ground: Path) -> Iterator[None]:
    """Fail a test that leaves a process behind: a child of ours, or an engine that lives in the test's home."""
    before = _children()
    yield
    # An engine is started detached; where there is a home there may be one, although it is no child of ours any more.
    detached = _processes_of(own_ground) if own_ground.exists() else set()
    left = _still_alive((_children() - before) | detached)
    told = [_describe(process) for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=GRACE_SECONDS)
    if told:
        pytest.fail(f"this test left processes behind: {'; '.join(told)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What scripts/test took in all, above pytest's own last line."""
    started = os.environ.get("SHAMMAH_TEST_STARTED")
    if started:
        terminalreporter.write_line(f"scripts/test took {time.time() - float(started):.0f} s, checks included")


def _is_setting(name: str) -> bool:
    return name.startswith("SHAMMAH_") and not name.startswith("SHAMMAH_TEST_")


def _is_local(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def _processes_of(home: Path) -> set[psutil.Process]:
    """Whoever runs with this Shammah home."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get("SHAMMAH_HOME") == str(home):
                found.add(process)
    return found


def _still_alive(processes: set[psutil.Process]) -> list[psutil.Process]:
    """Those that do not end by themselves within the grace; a zombie that nobody waits for is no process any more."""
    _, left = psutil.wait_procs([process for process in processes if _runs(process)], timeout=GRACE_SECONDS)
    return [process for process in left if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return str(process.pid)
