"""What `shammah doctor` looks at, as findings. It changes nothing, and goes on where something is broken."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata, util
from pathlib import Path

from shammah_tui import __version__, paths
from shammah_tui.backends.claude.key import find_key
from shammah_tui.backends.claude.model import find, known, prices_read_on
from shammah_tui.backends.claude.transfer import address
from shammah_tui.backends.claude.trouble import KEY_HINT
from shammah_tui.bootstrap.reach import OFFLINE_ENVIRONMENT, OFFLINE_SET
from shammah_tui.bootstrap.report import Facts, facts
from shammah_tui.config.load import load
from shammah_tui.config.settings import Settings
from shammah_tui.errors import ConfigError
from shammah_tui.ui.wording import duration, size

PYTHON_MIN = (3, 11)
LOW_MEMORY_BYTES = 2 * 10**9
LOW_DISK_BYTES = 3 * 10**9
COLUMNS_MIN, ROWS_MIN = 60, 15
NATIVE_TIMEOUT_SECONDS = 60.0
# In a process of its own: a native library that does not fit this processor ends that one, not the doctor.
NATIVE_PROBE = """
import json, llama_cpp
print(json.dumps({
    "version": llama_cpp.__version__,
    "offload": bool(llama_cpp.llama_supports_gpu_offload()),
    "system": llama_cpp.llama_print_system_info().decode(),
}))
"""
BUILD_FOR_CARD = (
    "In a checkout: install CUDA's nvcc, then rm -rf .venv && scripts/run. Installed: install it again with the index "
    "of llama.cpp for CUDA that the README names."
)
REINSTALL = "In a checkout: rm -rf .venv && scripts/run. Installed: install it again."


class Grade(StrEnum):
    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `hint` says what to do, where there is something to do."""

    name: str
    grade: Grade
    detail: str
    hint: str = ""


async def examine() -> list[Finding]:
    """Look at everything. Takes a few seconds where the hub does not answer."""
    settings, config = _config()
    native, found, engine, claude = await asyncio.gather(
        asyncio.to_thread(_llama_cpp), facts(settings), _engine(), _claude(settings)
    )
    return [
        *_program(),
        native,
        *_machine(found),
        _hub(found),
        _demo(found),
        _training(),
        _home(),
        _sandbox(settings),
        claude,
        *config,
        engine,
        _terminal(),
    ]


def _program() -> Iterator[Finding]:
    yield Finding("shammah", Grade.OK, f"{__version__} in {paths.PACKAGE}")
    grade = Grade.OK if sys.version_info >= PYTHON_MIN else Grade.BROKEN
    yield Finding("python", grade, f"{platform.python_version()} ({sys.executable})")
    if not paths.styles_folder().is_dir():
        yield Finding("styles", Grade.BROKEN, f"{paths.styles_folder()} is missing", REINSTALL)


def _llama_cpp() -> Finding:
    try:
        answer = subprocess.run(
            [sys.executable, "-c", NATIVE_PROBE],
            capture_output=True,
            text=True,
            timeout=NATIVE_TIMEOUT_SECONDS,
            check=True,
        )
        told = json.loads(answer.stdout)
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().split("\n")[-1] if error.stderr.strip() else f"it ended with {error.returncode}"
        return Finding("llama.cpp", Grade.BROKEN, f"cannot be loaded: {last}", REINSTALL)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return Finding("llama.cpp", Grade.BROKEN, f"cannot be asked: {error}", REINSTALL)
    features = [part.split("=")[0].strip() for part in told["system"].split("|") if part.strip().endswith("= 1")]
    offload = "with GPU offload" if told["offload"] else "without GPU offload"
    return Finding("llama.cpp", Grade.OK, f"llama-cpp-python {told['version']}, {offload}\n{', '.join(features)}")


def _machine(found: Facts) -> Iterator[Finding]:
    hardware = found.hardware
    low = hardware.ram_available_bytes < LOW_MEMORY_BYTES
    yield Finding(
        "memory",
        Grade.WARNING if low else Grade.OK,
        f"{size(hardware.ram_bytes)}, {size(hardware.ram_available_bytes)} of it free; {hardware.cores} cores",
        "Close other programs, or take a smaller model: shammah models." if low else "",
    )
    cards = ", ".join(f"{gpu.name} ({size(gpu.memory_bytes)})" for gpu in hardware.gpus)
    unified = "Apple's, in the same memory (Metal)" if hardware.unified_memory else "none found: the processor answers"
    if cards and not hardware.gpus_usable:
        unused = f"{cards}: llama.cpp is built for the processor alone, so that one answers"
        yield Finding("graphics", Grade.WARNING, unused, BUILD_FOR_CARD)
    else:
        yield Finding("graphics", Grade.OK if cards else Grade.NOTE, cards or unified)
    low = found.free_disk_bytes < LOW_DISK_BYTES
    yield Finding(
        "disk",
        Grade.WARNING if low else Grade.OK,
        f"{size(found.free_disk_bytes)} free for models in {found.cache_folder}",
        "Free some space, or point HF_HOME to another disk." if low else "",
    )


def _hub(found: Facts) -> Finding:
    if found.obstacle is None:
        return Finding("model hub", Grade.OK, f"{found.endpoint} answers")
    chosen = found.obstacle in (OFFLINE_SET, OFFLINE_ENVIRONMENT)
    return Finding(
        "model hub",
        Grade.NOTE if chosen else Grade.WARNING,
        f"{found.obstacle.reason}{'' if chosen else f' ({found.endpoint})'}",
        f"{found.obstacle.hint}\nModels that are here, and the demo, work without it.",
    )


def _demo(found: Facts) -> Finding:
    if found.demo_is_there:
        return Finding("demo model", Grade.OK, str(paths.demo_model_gguf()))
    return Finding("demo model", Grade.WARNING, f"{paths.demo_model_gguf()} is missing", REINSTALL)


def _training() -> Finding:
    missing = [name for name in ("torch", "transformers", "peft") if util.find_spec(name) is None]
    if missing:
        return Finding("training", Grade.WARNING, f"not installed: {', '.join(missing)}", REINSTALL)
    versions = [f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "peft")]
    return Finding("training", Grade.OK, ", ".join(versions))


def _home() -> Finding:
    home = paths.home()
    try:
        status = home.stat()
    except FileNotFoundError:
        return Finding("home", Grade.NOTE, f"{home} is made on the first start")
    except OSError as error:
        return Finding("home", Grade.BROKEN, f"{home} cannot be read: {error.strerror}", f"ls -ld {home}")
    if not stat.S_ISDIR(status.st_mode):
        return Finding("home", Grade.BROKEN, f"{home} is no folder", "Move it away, or set SHAMMAH_HOME.")
    if status.st_uid != os.getuid() or not os.access(home, os.W_OK | os.X_OK):
        return Finding("home", Grade.BROKEN, f"{home} is not yours to write", f"sudo chown -R $(id -un) {home}")
    if status.st_mode & 0o077:
        return Finding("home", Grade.WARNING, f"others may look into {home}", f"chmod 700 {home}")
    return Finding("home", Grade.OK, str(home))


def _sandbox(settings: Settings) -> Finding:
    from shammah_tui.tools.sandbox.ground import ground_of
    from shammah_tui.tools.sandbox.sandbox import choose

    choice = settings.permissions.sandbox
    found = choose(choice, ground_of(Path.cwd(), os.environ))
    if found.is_on:
        return Finding("sandbox", Grade.OK, f"commands run inside {found.reason}")
    if found.refuses:
        hint = 'Until then no command runs. Without one: shammah config set permissions.sandbox "auto"'
        return Finding("sandbox", Grade.BROKEN, f"it is set to be on, and {found.reason}", hint)
    grade = Grade.NOTE if choice == "off" else Grade.WARNING
    return Finding("sandbox", grade, f"commands that you allow run without one: {found.reason}")


def _config() -> tuple[Settings, list[Finding]]:
    try:
        configuration = load()
    except ConfigError as error:
        return Settings(), [Finding("settings", Grade.BROKEN, error.message, error.hint)]
    findings = [Finding("settings", Grade.WARNING, warning) for warning in configuration.warnings]
    if not findings:
        there = "" if paths.config_file().exists() else " (written on the first start)"
        findings = [Finding("settings", Grade.OK, f"{paths.config_file()}{there}")]
    return configuration.settings, findings


async def _engine() -> Finding:
    from shammah_tui.backends.engine_process import status

    report = await status()
    if report is None:
        return Finding("engine", Grade.NOTE, "not running; it is started when it is needed")
    detail = f"runs (process {report.pid}, up {duration(report.uptime_seconds)}): {report.model or report.phase}"
    if report.version != __version__:
        hint = "It is replaced once it is idle; at once: shammah daemon stop"
        return Finding("engine", Grade.WARNING, f"{detail}\nof another version, {report.version}", hint)
    return Finding("engine", Grade.OK, detail)


async def _claude(settings: Settings) -> Finding:
    """Whether Claude could be asked. Nothing is sent to find out."""
    if settings.offline or settings.router.cloud == "never":
        key = "offline = true" if settings.offline else "router.cloud = never"
        return Finding("Claude", Grade.NOTE, f"nothing is sent to it ({key})")
    found = await find_key(settings)
    if found is None:
        return Finding("Claude", Grade.NOTE, "no key: only the local model answers", KEY_HINT)
    try:
        url = address(settings.claude.base_url)
    except ConfigError as error:
        return Finding("Claude", Grade.BROKEN, error.message, error.hint)
    model = find(settings.claude.model)
    detail = f"the key is in {found.source}, {url}\n{model.name}"
    if model.price is None:
        near = difflib.get_close_matches(model.id, known(), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known ones: {', '.join(known())}."
        return Finding(
            "Claude", Grade.WARNING, f"{detail}: not a model that Shammah knows; its cost is not known", hint
        )
    price = f"${model.price.input:g} and ${model.price.output:g} for a million tokens in and out"
    return Finding("Claude", Grade.OK, f"{detail}: {price}, as read on {prices_read_on().isoformat()}")


def _terminal() -> Finding:
    term = os.environ.get("TERM", "")
    columns, rows = shutil.get_terminal_size()
    if not sys.stdout.isatty():
        return Finding("terminal", Grade.NOTE, "none here: `shammah query` works, the screen does not")
    if term in ("", "dumb"):
        return Finding(
            "terminal", Grade.WARNING, f'TERM is "{term}": no full screen', "Set TERM, or use shammah query."
        )
    true_colour = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    colours = "none (NO_COLOR)" if os.environ.get("NO_COLOR") else "16 million" if true_colour else "256 or fewer"
    detail = f"{term}, {columns} × {rows}, colours: {colours}"
    if columns < COLUMNS_MIN or rows < ROWS_MIN:
        return Finding("terminal", Grade.WARNING, detail, f"Make it at least {COLUMNS_MIN} × {ROWS_MIN}.")
    return Finding("terminal", Grade.OK, detail)
