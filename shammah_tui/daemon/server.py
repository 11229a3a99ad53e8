"""uvicorn on sockets of our own making: the Unix socket of the home, and TCP where it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from shammah_tui.errors import ConfigError, HomeError
from shammah_tui.files import private_folder

BACKLOG = 512
# Answers under way are given this long to end when the engine is told to.
GRACE_SECONDS = 2


def unix_socket(path: Path) -> socket.socket:
    """A listening socket at `path`, 0600 in a folder of 0700; what is left of a dead engine's there is removed.

    Only the holder of the pid file may call this. Raises HomeError.
    """
    private_folder(path.parent)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise HomeError(f"The socket {path} cannot be made: {error.strerror}.", "Check the folder.") from error
    return listener


def tcp_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigError(f"--bind {host}:{port} is not possible: {error.strerror}.", "Choose another port.") from error
    return listener


class Server(uvicorn.Server):
    """One application on one socket. Signals are the caller's matter: several servers run in one process."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                http="h11",
                ws="none",
                loop="asyncio",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=BACKLOG,
                h11_max_incomplete_event_size=64 * 1024,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def run_until(self, stopping: asyncio.Event) -> None:
        serving = asyncio.create_task(self.serve(sockets=[self._listener]))
        waiting = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            self.should_exit = True
            await serving


async def run_all(servers: Sequence[Server], stopping: asyncio.Event) -> None:
    """Serve until `stopping` is set, or one of them fails; then all end."""
    try:
        async with asyncio.TaskGroup() as group:
            for server in servers:
                group.create_task(_run_one(server, stopping))
    finally:
        stopping.set()


async def _run_one(server: Server, stopping: asyncio.Event) -> None:
    try:
        await server.run_until(stopping)
    finally:
        stopping.set()
