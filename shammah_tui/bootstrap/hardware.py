"""What this machine has: memory, graphics memory, cores, disk. Reads only; what to do with it is `choice`'s matter.

Sources: psutil for memory and cores, the cgroup files of Linux for a container's share of them, `nvidia-smi` for
graphics memory where it is installed, and the names of llama.cpp's own files. No native model library is imported.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import psutil

from shammah_tui.bootstrap import cache

MEBIBYTE = 1024**2

# `nvidia-smi` answers in well under a second; a driver that hangs must not hold the start.
NVIDIA_SMI_TIMEOUT_SECONDS = 3.0
NVIDIA_SMI = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")

# Parts of llama.cpp that need no graphics card; any other part is for one.
CARDLESS_PARTS = ("base", "blas", "cpu", "rpc")
_PART = re.compile(r"(?:lib)?ggml-(\w+)")

# cgroup v1 writes "no limit" as a number near 2**63.
CGROUP_NO_LIMIT_BYTES = 2**60
CGROUP_MEMORY_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory_bytes: int
    memory_free_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """One machine, sizes in bytes. With `unified_memory` the graphics processor works in the same RAM."""

    ram_bytes: int
    ram_available_bytes: int
    cores: int
    """Physical cores, as far as the system tells them."""
    system: str
    """"linux" or "darwin", as `platform.system()` says it in small letters."""
    machine: str
    """"x86_64", "arm64" …"""
    unified_memory: bool = False
    gpus: tuple[Gpu, ...] = ()
    gpus_usable: bool = True
    """Whether the llama.cpp that is installed was built for graphics cards."""
    disk_free_bytes: int = 0
    """On the file system of the model cache."""

    @property
    def vram_bytes(self) -> int:
        """Graphics memory of its own, summed over the cards; 0 where there is none."""
        return sum(gpu.memory_bytes for gpu in self.gpus)


def probe() -> Hardware:
    """Look at this machine. Takes milliseconds, or up to NVIDIA_SMI_TIMEOUT_SECONDS with a stuck driver."""
    system, machine = platform.system().lower(), platform.machine().lower()
    memory = psutil.virtual_memory()
    limit = _cgroup_memory_limit()
    total = min(memory.total, limit) if limit else memory.total
    return Hardware(
        ram_bytes=total,
        ram_available_bytes=min(memory.available, total),
        cores=_cores(),
        system=system,
        machine=machine,
        unified_memory=is_unified(system, machine),
        gpus=_nvidia_gpus(),
        gpus_usable=is_for_gpus(_llama_cpp_files()),
        disk_free_bytes=free_disk_bytes(cache.hub_cache_folder()),
    )


def is_unified(system: str, machine: str) -> bool:
    """Apple silicon: one memory for processor and graphics."""
    return system == "darwin" and machine in ("arm64", "aarch64")


def is_for_gpus(names: Iterable[str]) -> bool:
    """Whether llama.cpp, whose library consists of files of these names, can use a graphics card. True where that
    cannot be told, as of a library in one file."""
    parts = [found[1] for name in names if (found := _PART.match(name))]
    return not parts or not all(part.startswith(CARDLESS_PARTS) for part in parts)


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Cards from `nvidia-smi --format=csv,noheader,nounits` (name, MiB in all, MiB free). Lines of another shape, such
    as "[N/A]" on cards that report no memory of their own, are left out."""
    cards = []
    for line in text.split("\n"):
        fields = [field.strip() for field in line.rsplit(",", 2)]
        if len(fields) == 3 and fields[1].isdecimal() and fields[2].isdecimal():
            cards.append(Gpu(fields[0], int(fields[1]) * MEBIBYTE, int(fields[2]) * MEBIBYTE))
    return tuple(cards)


def parse_cgroup_limit(text: str) -> int | None:
    """Bytes from `memory.max` (v2: a number or "max") or `memory.limit_in_bytes` (v1); None means no limit."""
    text = text.strip()
    if not text.isdecimal() or int(text) >= CGROUP_NO_LIMIT_BYTES:
        return None
    return int(text)


def free_disk_bytes(folder: Path) -> int:
    """Free bytes for this user where `folder` is or would be made; 0 where that cannot be told."""
    for candidate in (folder, *folder.parents):
        try:
            return shutil.disk_usage(candidate).free
        except OSError:
            continue
    return 0


def _cgroup_memory_limit() -> int | None:
    for file in CGROUP_MEMORY_FILES:
        try:
            return parse_cgroup_limit(file.read_text("ascii"))
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _cores() -> int:
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    # A container or `taskset` may allow fewer than the machine has.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def _llama_cpp_files() -> list[str]:
    """Names of the files of llama.cpp's library, where its Python package will look for it; none where it is not."""
    given = os.environ.get("LLAMA_CPP_LIB_PATH")
    package = util.find_spec("llama_cpp")
    if given is not None:
        folder = Path(given)
    elif package is not None and package.origin is not None:
        folder = Path(package.origin).parent / "lib"
    else:
        return []
    try:
        return [file.name for file in folder.iterdir()]
    except OSError:
        return []


def _nvidia_gpus() -> tuple[Gpu, ...]:
    if shutil.which(NVIDIA_SMI[0]) is None:
        return ()
    try:
        answer = subprocess.run(
            NVIDIA_SMI, capture_output=True, text=True, timeout=NVIDIA_SMI_TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    return parse_nvidia_smi(answer.stdout)
