"""Processes of ours that outlive the one that started them: who they are, whether they live, how to start one."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# A start time is read back to within a clock tick; on Linux it moves with each correction of the clock.
_START_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same number. `started_at` in seconds since 1970."""

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Raises psutil.Error where there is no such process."""
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Whether this very process runs: not a zombie, not another one with its number."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started_at) > _START_TOLERANCE_SECONDS:
                return False
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def read_identity(path: Path) -> ProcessIdentity | None:
    """Who wrote the pid file; None where there is none or it cannot be understood."""
    try:
        record = json.loads(path.read_bytes())
        return ProcessIdentity(int(record["pid"]), float(record["started_at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


class PidFile:
    """A pid file that is its own lock: at most one living process holds it, and a crash lets go of it by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and write who we are; False where another process holds it. Raises OSError."""
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            if self._is_current(descriptor):
                break
            os.close(descriptor)  # its holder removed it between our open and our lock
        identity = ProcessIdentity.of(os.getpid())
        record = json.dumps({"pid": identity.pid, "started_at": identity.started_at}).encode()
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, record, 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Remove the file and let go. Safe to call twice."""
        if self._descriptor is not None:
            if self._is_current(self._descriptor):
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_current(self, descriptor: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), self.path.stat(follow_symlinks=False))
        return False


def spawn_detached(argv: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own, so that it survives our terminal; what it prints is appended to `log`.

    It runs in `/`, to hold no folder busy. The caller may poll the result, and need not. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(log, flags, 0o600)
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(descriptor)
