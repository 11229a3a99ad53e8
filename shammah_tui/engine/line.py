"""The bounded line of requests that wait for a slot, and the scheduler's wake-up call."""

from __future__ import annotations

import threading
from collections import deque

from shammah_tui.engine.generation import Job
from shammah_tui.errors import EngineBusy, EngineError

_PLACES_PER_SLOT = 8


class WaitingLine:
    """First in, first out. `interrupted` asks the decode loop to look up; it is read once a token without a lock."""

    def __init__(self, slots: int) -> None:
        self.interrupted = False
        self.closed = False
        self.total = 0
        """Requests ever taken."""
        self._slots = slots
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._seconds_per_job = 1.0

    def __len__(self) -> int:
        return len(self._jobs)

    def append(self, job: Job) -> None:
        """Raises `EngineBusy` where the line is full, `EngineError` once it is closed."""
        with self._changed:
            if self.closed:
                raise EngineError("The model is being closed.", "Ask again once it is loaded.")
            if len(self._jobs) >= _PLACES_PER_SLOT * self._slots:
                wait = min(60.0, max(1.0, self._seconds_per_job * len(self._jobs) / self._slots))
                raise EngineBusy(
                    "Too many requests are waiting for the model.",
                    f"Try again in {wait:.0f} s.",
                    retry_after_seconds=wait,
                )
            self._jobs.append(job)
            self.total += 1
            self.interrupted = True
            self._changed.notify()

    def first(self) -> Job | None:
        with self._changed:
            return self._jobs[0] if self._jobs else None

    def waiting(self) -> list[Job]:
        with self._changed:
            return list(self._jobs)

    def pop(self) -> None:
        with self._changed:
            self._jobs.popleft()

    def remove_cancelled(self) -> list[Job]:
        """Takes out, and returns, those whose reader has left."""
        with self._changed:
            gone = [job for job in self._jobs if job.cancelled]
            if gone:
                self._jobs = deque(job for job in self._jobs if not job.cancelled)
            return gone

    def clear(self) -> list[Job]:
        with self._changed:
            jobs = list(self._jobs)
            self._jobs.clear()
            return jobs

    def interrupt(self) -> None:
        with self._changed:
            self.interrupted = True
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self.closed = self.interrupted = True
            self._changed.notify()

    def wait(self, seconds: float | None = None) -> bool:
        """Blocks until something has come since `interrupted` was last cleared; false where nothing did for so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.interrupted, seconds)

    def learn_duration(self, seconds: float) -> None:
        """How long an answer took, for the time that `EngineBusy` names."""
        self._seconds_per_job = 0.8 * self._seconds_per_job + 0.2 * seconds
