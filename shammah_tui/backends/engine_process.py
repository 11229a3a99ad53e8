"""The engine's process, seen from the client: find the one of this home, start it, replace it, end it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from shammah_tui import __version__, paths
from shammah_tui.backends.engine_client import EngineClient, absolute
from shammah_tui.config.held import hub_digest, settings_digest
from shammah_tui.config.settings import Settings
from shammah_tui.errors import EngineError, EngineGone
from shammah_tui.files import private_folder
from shammah_tui.process import PidFile, ProcessIdentity, read_identity, spawn_detached
from shammah_tui.wire import PROTOCOL, HealthReport

START_SECONDS = 60.0
# A second one that was started at the same time leaves at once, and the first needs a moment more.
OTHER_SECONDS = 10.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.03
LOG_BYTES_MAX = 4 * 1024 * 1024
_SETTINGS = "settings"

# Engines that this process started. They outlive it; until then, polling them leaves no zombie.
_started: list[subprocess.Popen[bytes]] = []


async def connect(settings: Settings, *, start: bool = True, model: str | None = None) -> EngineClient:
    """The running engine of this home, or one started for it, with `model` where that is given.

    One of another version, or started with other settings, is replaced when nobody uses it. Raises EngineError where
    none runs and `start` is false, where it cannot be started, where one that cannot be understood is in use, or one
    that may go online while `settings` say offline.
    """
    report = await status()
    if report is not None and report.status == "stopping":
        await _until_gone()
        report = None
    if report is not None and not _is_ours(report):
        report = await _replaced(report)
    others = _others(report, settings) if report is not None else []
    if report is not None and others and start and _is_free(report):
        await stop()
        report, others = None, []
    if report is None:
        if not start:
            raise EngineError("No engine is running.", "`shammah daemon start` starts one.")
        report = await _start(settings, model)
    if settings.offline and not report.offline:
        raise EngineError(
            "The engine that runs may go online, and your settings say offline.",
            "`shammah daemon stop` ends it, and the next question starts one that stays offline.",
        )
    client = EngineClient.over_socket(paths.daemon_socket())
    # How the hub is reached is nothing to a model that is there.
    if _SETTINGS in others or (others and (model is not None or report.phase != "ready")):
        client.notice = (
            f"The engine that runs was started with other {' and '.join(others)}, and keeps them: "
            "`shammah daemon stop` ends it, and the next question starts it with yours."
        )
    return client


async def status() -> HealthReport | None:
    """What the engine of this home says of itself; None where none answers."""
    path = paths.daemon_socket()
    if not path.exists():
        return None
    async with EngineClient.over_socket(path) as client:
        try:
            return await client.health()
        except EngineGone:
            return None


async def stop() -> bool:
    """End the engine of this home, if need be by force; whether one ran. Raises EngineError where it stays."""
    holder = read_identity(paths.daemon_pid())
    answered = await status() is not None
    if answered:
        async with EngineClient.over_socket(paths.daemon_socket()) as client:
            with suppress(EngineGone):
                await client.stop()
    elif holder is not None and holder.is_alive():
        _send(holder, signal.SIGTERM)
    ran = answered or (holder is not None and holder.is_alive())
    if holder is not None and not await _ends(holder, STOP_SECONDS):
        _send(holder, signal.SIGKILL)
        if not await _ends(holder, 5.0):
            raise EngineError(f"The engine (process {holder.pid}) does not end.", f"Try `kill -9 {holder.pid}`.")
    _clean_up()
    return ran


def _is_ours(report: HealthReport) -> bool:
    return report.protocol == PROTOCOL and report.version == __version__


async def _replaced(report: HealthReport) -> HealthReport | None:
    """End an engine of another version that nobody uses. One in use is taken as it is, if it speaks our protocol."""
    if report.clients == 0:
        await stop()
        return None
    if report.protocol == PROTOCOL:
        return report
    raise EngineError(
        f"The engine that runs is of version {report.version}, this is {__version__}, and they do not understand "
        f"each other.",
        "It is in use by another terminal. Close that, or end the engine by `shammah daemon stop`.",
    )


def _others(report: HealthReport, settings: Settings) -> list[str]:
    """What the engine was started with that is other than ours, in words."""
    others = []
    if report.settings and report.settings != settings_digest(settings):
        others.append(_SETTINGS)
    if report.hub and report.hub != hub_digest(os.environ):
        others.append("variables for the hub (HF_…, proxies, certificates)")
    return others


def _is_free(report: HealthReport) -> bool:
    """Whether nobody uses it, and it would end by itself. One that stays serves programs that come and go."""
    return report.clients == 0 and report.keep_alive_seconds is not None


async def _start(settings: Settings, model: str | None) -> HealthReport:
    private_folder(paths.home())
    log = _log_file()
    wish = model or settings.model.size
    arguments = ["daemon", "--keep-alive", settings.engine.keep_alive, "--model", absolute(wish)]
    environment = {**os.environ, "SHAMMAH_OFFLINE": "true" if settings.offline else "false"}
    if "SHAMMAH_HOME" in environment:
        environment["SHAMMAH_HOME"] = str(paths.home())
    try:
        process = spawn_detached([sys.executable, "-m", "shammah_tui", *arguments], log=log, environment=environment)
    except OSError as error:
        raise EngineError(f"The engine cannot be started: {error.strerror}.", f"Check {log}.") from error
    _started[:] = [*(earlier for earlier in _started if earlier.poll() is None), process]
    deadline = time.monotonic() + START_SECONDS
    while (report := await status()) is None:
        if process.poll() is not None:
            deadline = min(deadline, time.monotonic() + OTHER_SECONDS)
            if not _another_starts(process):
                raise EngineError(f"The engine ended as soon as it was started. {_last_line(log)}", f"See {log}.")
        if time.monotonic() > deadline:
            raise EngineError("The engine was started and does not answer.", f"See {log}.")
        await asyncio.sleep(POLL_SECONDS)
    return report


def _another_starts(process: subprocess.Popen[bytes]) -> bool:
    """Ours ended; whether one that another client started holds the home."""
    holder = read_identity(paths.daemon_pid())
    return holder is not None and holder.pid != process.pid and holder.is_alive()


async def _until_gone() -> None:
    holder = read_identity(paths.daemon_pid())
    if holder is not None:
        await _ends(holder, STOP_SECONDS)


async def _ends(holder: ProcessIdentity, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while holder.is_alive():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def _send(holder: ProcessIdentity, number: signal.Signals) -> None:
    try:
        os.kill(holder.pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise EngineError(f"The engine (process {holder.pid}) belongs to another user.") from error


def _clean_up() -> None:
    """Remove what an engine that was killed left behind, unless another one has taken the home since."""
    if not paths.home().is_dir():
        return
    pid_file = PidFile(paths.daemon_pid())
    if pid_file.acquire():
        paths.daemon_socket().unlink(missing_ok=True)
        pid_file.release()


def _log_file() -> Path:
    log = private_folder(paths.log_folder()) / "daemon.log"
    if log.is_file() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    return log


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").strip().split("\n")
    except OSError:
        return ""
    return lines[-1][:500]
