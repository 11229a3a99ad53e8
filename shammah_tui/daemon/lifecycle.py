"""The engine's process from its first line to its last: one a home, its socket, its signals, its end when deserted."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time

from starlette.types import ASGIApp

from shammah_tui import __version__, paths
from shammah_tui.config.duration import parse_duration
from shammah_tui.config.settings import Settings
from shammah_tui.daemon.app import create_app
from shammah_tui.daemon.security import TcpGuard, own_hosts, parse_bind, read_token
from shammah_tui.daemon.server import Server, run_all, tcp_socket, unix_socket
from shammah_tui.daemon.service import Service
from shammah_tui.errors import ConfigError, EngineError, HomeError, ShammahError
from shammah_tui.files import private_folder
from shammah_tui.process import PidFile, read_identity

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Whoever started this process is given this long to connect, also where keep_alive is shorter.
FIRST_CLIENT_SECONDS = 30.0
# One that is on its way out holds the pid file for a moment longer.
LOCK_SECONDS = 2.0
# Saving the sessions of a model and ending its threads takes a second or two.
CLOSE_SECONDS = 20


def serve(
    settings: Settings,
    *,
    bind: str | None = None,
    allow_remote: bool = False,
    model: str | None = None,
    keep_alive: str | None = None,
) -> int:
    """Run the engine in the foreground until a signal, `stop`, or its keep-alive ends it; the exit code.

    Without `keep_alive` it stays. Raises ConfigError (a bad `bind` or `keep_alive`), HomeError, and EngineError where
    one runs already for this home.
    """
    seconds = _parse_keep_alive(keep_alive) if keep_alive is not None else None
    address = parse_bind(bind, allow_remote=allow_remote) if bind else None
    _set_up_log()
    private_folder(paths.home())
    pid_file = PidFile(paths.daemon_pid())
    _acquire(pid_file)
    try:
        asyncio.run(_run(settings, address, model or settings.model.size, seconds))
    finally:
        pid_file.release()
    return 0


def _parse_keep_alive(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f'--keep-alive "{text}" cannot be understood.', f"Write {error}.") from None


def _acquire(pid_file: PidFile) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while not pid_file.acquire():
            if time.monotonic() > deadline:
                holder = read_identity(pid_file.path)
                who = f" (process {holder.pid})" if holder else ""
                raise EngineError(
                    f"An engine runs already for this home{who}.",
                    "`shammah daemon status` tells more, `shammah daemon stop` ends it.",
                )
            time.sleep(0.05)
    except OSError as error:
        raise HomeError(f"{pid_file.path} cannot be written: {error.strerror}.", "Check the folder.") from error


async def _run(settings: Settings, address: tuple[str, int] | None, wish: str, keep_alive: float | None) -> None:
    service = Service(settings)
    service.keep_alive_seconds = keep_alive
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, service.stop)
    app = create_app(service)
    path = paths.daemon_socket()
    listener = unix_socket(path)
    following = asyncio.create_task(service.follow_adapters())
    leaving = asyncio.create_task(_leave_when_deserted(service, keep_alive))
    try:
        servers = [Server(app, listener)]
        if address is not None:
            servers.append(_tcp_server(app, address))
        log.info("shammah %s serves %s", __version__, path)
        await asyncio.to_thread(service.training.recover)
        service.choose(wish)
        await run_all(servers, service.stopping)
    except ShammahError:
        # It says what is wrong; where in this program it was found helps nobody.
        raise
    except Exception:
        # Said at once: letting go of everything may take a while.
        log.exception("the servers broke")
        raise
    finally:
        leaving.cancel()
        following.cancel()
        listener.close()
        path.unlink(missing_ok=True)
        # A load that is broken off because somebody wants to stop is none that the engine did not survive.
        paths.gpu_attempt().unlink(missing_ok=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await service.close()
        except TimeoutError:
            # Whoever waits for the home must not wait for ever for something that hangs.
            log.error("not everything could be let go of in %d seconds; it ends all the same", CLOSE_SECONDS)
            logging.shutdown()
            os._exit(1)
        log.info("ended")


def _tcp_server(app: ASGIApp, address: tuple[str, int]) -> Server:
    host, port = address
    token = read_token()
    listener: socket.socket = tcp_socket(host, port)
    bound = listener.getsockname()
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    log.info("listening on http://%s:%d/v1 with the token of %s", shown, bound[1], paths.daemon_token())
    return Server(TcpGuard(app, token=token, hosts=own_hosts(host)), listener)


async def _leave_when_deserted(service: Service, keep_alive: float | None) -> None:
    if keep_alive is not None:
        await service.presence.until_deserted(keep_alive, first_seconds=FIRST_CLIENT_SECONDS)
        log.info("nobody is here")
        service.stop()


def _set_up_log() -> None:
    """To standard error, which is the log file of a detached engine. Neither prompts nor answers are logged."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
