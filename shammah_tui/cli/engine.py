"""`shammah daemon`: the engine in the foreground, and start, stop, status of the one in the background."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace

from shammah_tui import __version__, paths
from shammah_tui.backends import engine_process
from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.configured import configured, wanted_model
from shammah_tui.cli.terminal import tell
from shammah_tui.ui.wording import duration
from shammah_tui.wire import HealthReport


def run(options: Namespace) -> int:
    """Do what `options.action` says. Raises ShammahError."""
    if options.action is not None and (options.bind or options.allow_remote or "keep_alive" in options):
        raise UsageError(
            "--bind, --allow-remote and --keep-alive are for the engine in the foreground.",
            f"Leave them out, or leave out `{options.action}`.",
        )
    match options.action:
        case "start":
            return asyncio.run(_start(options))
        case "stop":
            return asyncio.run(_stop(options))
        case "status":
            return asyncio.run(_status(options))
        case _:
            return _serve(options)


def _serve(options: Namespace) -> int:
    configuration = configured(options)
    model = wanted_model(configuration)
    from shammah_tui.daemon.lifecycle import serve

    return serve(
        configuration.settings,
        bind=options.bind,
        allow_remote=options.allow_remote,
        model=model,
        keep_alive=getattr(options, "keep_alive", None),
    )


async def _start(options: Namespace) -> int:
    configuration = configured(options)
    model = wanted_model(configuration)
    client = await engine_process.connect(configuration.settings, model=model)
    try:
        if client.notice:
            tell(client.notice)
        if model is not None:
            await client.switch_model(model)
    finally:
        await client.close()
    return await _status(options)


async def _stop(options: Namespace) -> int:
    was_running = await engine_process.stop()
    if options.json:
        print(json.dumps({"stopped": was_running}))
    else:
        print("The engine has ended." if was_running else "No engine is running.")
    return 0


async def _status(options: Namespace) -> int:
    report = await engine_process.status()
    if getattr(options, "json", False):
        print(json.dumps({"running": report is not None, **(report.model_dump() if report else {})}))
    elif report is None:
        print("No engine is running. `shammah daemon start` starts one; so does the first question.")
    else:
        print(_described(report))
        if report.version != __version__:
            tell(f"It is of another version ({report.version}); this is {__version__}. `shammah daemon stop` ends it.")
    return 0 if report is not None else 1


def _described(report: HealthReport) -> str:
    idle = "stays until it is stopped"
    if report.keep_alive_seconds is not None:
        idle = f"ends {duration(report.keep_alive_seconds)} after its last client"
    return "\n".join(
        [
            f"The engine runs: {report.model or 'no model yet'} ({report.phase}).",
            f"  process {report.pid}, version {report.version}, up {duration(report.uptime_seconds)}",
            f"  {report.clients} connected; it {idle}",
            f"  {paths.daemon_socket()}",
        ]
    )
