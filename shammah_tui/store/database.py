"""`shammah.db`: one connection a process, in a thread of its own, so that no screen waits for a disk.

    database = Database(paths.database())
    rows = await database.run(lambda connection: connection.execute("…").fetchall())
    database.close()

A transaction that returned is on the disk (WAL, `synchronous=FULL`). Tables are laid out by `schema.STEPS`, forward
only; a file of a later version is refused, a damaged one kept aside. SQLite before 3.51.3 can lose pages when several
connections checkpoint at once (sqlite.org/wal.html, "the WAL-reset bug"), so checkpoints are made under a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from shammah_tui.errors import HomeError
from shammah_tui.files import private_folder
from shammah_tui.store.schema import STEPS

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_SECONDS = 10.0
WAL_BYTES_MAX = 4 << 20


class Database:
    """Opened at the first use. Safe from several threads; `run` is for an event loop, `transact` for the rest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = ""
        """What the person should know of the file; set where a damaged one was kept aside."""
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._thread = ThreadPoolExecutor(1, "database")

    async def run(self, work: Work[T]) -> T:
        """`transact` in the database's own thread; a caller that is cancelled leaves the work to finish."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.transact, work)

    def transact(self, work: Work[T]) -> T:
        """Run `work` in one transaction, kept whole or not at all. Raises HomeError (locked, full, no permission)."""
        with self._lock:
            try:
                connection = self._connection or self._open()
                with self._transaction(connection):
                    found = work(connection)
                self._checkpoint(connection)
                return found
            except sqlite3.Error as error:
                raise HomeError(
                    f"{self.path} cannot be used: {error}.", "Check the free space and the folder's owner and mode."
                ) from error

    def close(self) -> None:
        """Finish what is under way and let go of the file. Safe to call twice."""
        self._thread.shutdown()
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @staticmethod
    @contextlib.contextmanager
    def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def _open(self) -> sqlite3.Connection:
        private_folder(self.path.parent)
        try:
            connection = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._keep_aside(error)
            connection = self._connect()
        self._connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("PRAGMA foreign_keys=ON")
            self._lay_out(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == len(STEPS):
            return
        with self._transaction(connection):
            version = _version(connection)
            if version > len(STEPS):
                raise HomeError(
                    f"{self.path} was written by a later version of Shammah.",
                    "Update this one, or choose another home by SHAMMAH_HOME.",
                )
            for step in STEPS[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(STEPS)}")

    def _keep_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(f"{self.path.name}.bad-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
        try:
            self.path.rename(aside)
            for suffix in ("-wal", "-shm"):
                beside = self.path.with_name(self.path.name + suffix)
                if beside.exists():
                    beside.rename(aside.with_name(aside.name + suffix))
        except OSError as trouble:
            raise HomeError(
                f"{self.path} is damaged ({error}) and cannot be moved: {trouble.strerror}.", "Move it away."
            ) from trouble
        self.notice = f"{self.path.name} was damaged ({error}). It was kept as {aside.name}; a new one was begun."

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Move what the log holds into the file once the log has grown, unless another process is at it."""
        log = self.path.with_name(f"{self.path.name}-wal")
        try:
            if log.stat().st_size < WAL_BYTES_MAX:
                return
        except FileNotFoundError:
            return
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            os.close(folder)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
