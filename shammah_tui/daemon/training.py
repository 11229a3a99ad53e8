"""Training supervised by the engine: one run at a time, in a process of its own; what it says is kept and relayed.

    plan (memory, rows) -> child -> events on disk and to who follows -> adapter into the store -> in use, or why not

A run that fails is never begun again by itself. The clients may leave; the engine stays until the run is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Literal

import psutil

from shammah_tui.daemon.runs import Runs
from shammah_tui.daemon.trainer_process import TrainerProcess
from shammah_tui.daemon.training_plan import UNLOADED, Host, Job, plan
from shammah_tui.errors import EngineError, HomeError, RequestError, ShammahError
from shammah_tui.files import private_folder, write_private
from shammah_tui.learning.adapter import sha256, sweep
from shammah_tui.learning.store import Store
from shammah_tui.process import PidFile, ProcessIdentity, read_identity
from shammah_tui.wire import RunsReport, RunState, TrainRequest

log = logging.getLogger(__name__)

Status = Literal["accepted", "refused", "failed", "cancelled"]
Event = dict[str, Any]


class Training:
    """Lives on one event loop; files are read and written in threads, but for a line of an event."""

    def __init__(self, runs: Runs, store: Store, host: Host) -> None:
        self.active: RunState | None = None
        self._runs = runs
        self._store = store
        self._host = host
        self._lock = PidFile(runs.folder / "lock")
        self._starting = asyncio.Lock()
        self._child: TrainerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._events: list[Event] = []
        self._number = 0
        self._cancelled = False
        self._changed = asyncio.Event()

    # What clients ask

    async def start(self, request: TrainRequest) -> RunState:
        """Plans and begins. Raises RequestError (rows, names, another run), ModelError (no base, no memory)."""
        async with self._starting:
            if self.active is not None:
                raise RequestError(
                    f"A run is under way: {self.active.run}.", "Wait for its end, or cancel it.", status=409
                )
            self._take_lock()
            run = request.run or self._runs.new_name()
            job: Job | None = None
            try:
                folder = await asyncio.to_thread(self._runs.begin, run, request.rows)
                digest = await asyncio.to_thread(sha256, folder / "rows.jsonl")
                if request.automatic:
                    await asyncio.to_thread(self._check_new, digest)
                await asyncio.to_thread(self._store.check_new, request.adapter or run)
                job = await plan(self._host, request, folder)
                self.active = RunState(
                    run=run,
                    status="running",
                    adapter=request.adapter or run,
                    base=str(job.base),
                    automatic=request.automatic,
                    rows=sum(sum(colors.values()) for colors in job.estimate.rows.values()),
                    rows_sha256=digest,
                    started_at=time.time(),
                    steps=job.estimate.steps,
                )
                await self._begin(job)
            except BaseException as error:
                await self._give_up(run, request, job)
                if isinstance(error, OSError):
                    raise HomeError(f"The run could not be kept: {error.strerror}.", "Look at the disk.") from error
                raise
            return self.active

    async def _give_up(self, run: str, request: TrainRequest, job: Job | None) -> None:
        """Nothing began: whatever was laid out for the run goes, but for rows that were there before."""
        if self._child is not None:
            await self._child.end()
        self.active = self._child = None
        if request.rows and not request.run:
            await asyncio.to_thread(shutil.rmtree, self._runs.path(run), ignore_errors=True)
        self._lock.release()
        if job is not None and job.bring_back is not None:
            job.bring_back()

    async def cancel(self) -> RunState:
        """Ends the run that lives, and waits for its end. Raises RequestError where there is none."""
        state, task = self.active, self._task
        if state is None or task is None or self._child is None:
            raise RequestError("No run is under way.", "", status=409)
        self._cancelled = True
        await self._child.end()
        await asyncio.wait({task})
        return await asyncio.to_thread(self._runs.read, state.run) or state

    async def report(self) -> RunsReport:
        found = await asyncio.to_thread(self._runs.all)
        live = {self.active.run: self.active} if self.active else {}
        return RunsReport(active=self.active, runs=tuple(live.get(state.run, state) for state in found))

    async def events(self, run: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """Events of `run` (empty: the one that lives, else the latest) from the first after number `after`; live ones
        as they come. Ends with the run. Raises RequestError where there is none."""
        if not run:
            latest = self.active or next(iter(await asyncio.to_thread(self._runs.all)), None)
            if latest is None:
                raise RequestError("Nothing was trained yet.", "`shammah train` begins.", status=404, param="run")
            run = latest.run
        while True:
            changed = self._changed
            live = self.active is not None and self.active.run == run
            events = self._events if live else await asyncio.to_thread(lambda: list(self._runs.events(run)))
            for event in events[max(0, after) if live else 0 :]:
                if event.get("number", 0) > after:
                    after = event["number"]
                    yield event
            if not live:
                if await asyncio.to_thread(self._runs.read, run) is None:
                    raise RequestError(f"There is no run {run}.", "", status=404, param="run")
                return
            await changed.wait()

    # The engine's own life

    def recover(self) -> None:
        """Says of runs whose engine was killed that they failed, and ends what is left of them. Called before
        anything else, by the one engine of this home."""
        for state in self._runs.all():
            if state.status != "running":
                continue
            _end_orphan(ProcessIdentity(state.pid, state.pid_started_at))
            self._number = max((event.get("number", 0) for event in self._runs.events(state.run)), default=0)
            self.active = state
            self._tell("Failed", message="The engine ended while it trained.", hint="It can be started again.")
            self._close("failed", "The engine ended while it trained.", "It can be started again.")
            sweep(self._runs.path(state.run))

    async def close(self) -> None:
        if self.active is not None:
            with suppress(RequestError):
                await self.cancel()

    # One run

    def _take_lock(self) -> None:
        private_folder(self._runs.folder)
        if not self._lock.acquire():
            holder = read_identity(self._lock.path)
            who = f" (process {holder.pid})" if holder else ""
            raise RequestError(f"Another engine is training{who}.", "Wait for its end.", status=409)

    def _check_new(self, digest: str) -> None:
        """Raises RequestError where these very rows were trained, or failed to be: once by itself is enough."""
        before = next((state for state in self._runs.all() if state.rows_sha256 == digest), None)
        if before is not None:
            raise RequestError(
                f"These rows were trained already, by {before.run}: {before.status}.",
                before.message or "New ratings begin another run.",
                status=409,
                param="rows",
            )

    async def _begin(self, job: Job) -> None:
        assert self.active is not None
        self._events, self._number, self._cancelled = [], 0, False
        description = {
            "base": str(job.base),
            "rows": str(job.folder / "rows.jsonl"),
            "out": str(job.folder / "out"),
            "arguments": asdict(job.arguments),
            "model": str(job.model),
            "parent": self._host.served_adapter,
        }
        write_private(job.folder / "job.json", json.dumps(description, indent=2).encode())
        self._child = await TrainerProcess.started(job.folder)
        identity = ProcessIdentity.of(self._child.pid)
        self.active = self.active.model_copy(update={"pid": identity.pid, "pid_started_at": identity.started_at})
        self._runs.write(self.active)
        self._tell("RunStarted", run=self.active.run, plan=asdict(job.estimate), arguments=asdict(job.arguments))
        if job.bring_back is not None:
            self._tell("ModelUnloaded", reason=UNLOADED)
        self._task = asyncio.create_task(self._supervise(self._child, job), name="training")

    async def _supervise(self, child: TrainerProcess, job: Job) -> None:
        with self._host.stay():
            status: Status = "failed"
            message = hint = ""
            try:
                ended = await self._relay(child)
                status, message = await self._settle(ended, job)
            except ShammahError as error:
                status = "cancelled" if self._cancelled else "failed"
                message, hint = ("It was cancelled.", "") if self._cancelled else (error.message, error.hint)
            except OSError as error:
                message, hint = f"The run could not be kept: {error.strerror}.", "Make room on the disk."
            except Exception as error:
                log.exception("the training run broke")
                message = f"The run could not be followed ({type(error).__name__})."
            finally:
                await child.end()
                await asyncio.to_thread(sweep, job.folder)
                if status == "failed":
                    log.warning("training failed: %s", message)
                    with suppress(OSError):
                        self._tell("Failed", message=message, hint=hint)
                self._close(status, message, hint)
                self._lock.release()
                if job.bring_back is not None:
                    job.bring_back()

    async def _relay(self, child: TrainerProcess) -> Event:
        """Every event of the child; the last one, `RunEnded`. Raises ShammahError where it fails."""
        ended: Event | None = None
        async for event in child.events():
            if event["event"] == "RunEnded":
                ended = event
            self._hear(event)
        if ended is None:
            raise EngineError("The trainer ended without a result.", "Its log stands beside its rows.")
        return ended

    def _hear(self, event: Event) -> None:
        assert self.active is not None
        match event:
            case {"event": "PhaseStarted", "phase": str(phase)}:
                self.active = self.active.model_copy(update={"phase": phase})
            case {"event": "StepReported"}:
                kept = {name: event[name] for name in ("step", "steps", "seconds_left")}
                self.active = self.active.model_copy(update=kept)
        self._tell(event.pop("event"), **event)

    async def _settle(self, ended: Event, job: Job) -> tuple[Status, str]:
        """The report beside the rows; an accepted adapter into the store, and into use."""
        assert self.active is not None
        out = job.folder / "out"
        for name in ("report.json", "steps.jsonl"):
            await asyncio.to_thread(shutil.copyfile, out / name, job.folder / name)
        if not ended["accepted"]:
            await asyncio.to_thread(shutil.rmtree, out)
            return "refused", "; ".join(ended["reasons"])
        await asyncio.to_thread(self._store.add, out, self.active.adapter)
        try:
            self._tell("AdapterActivated", **await self._host.activate(self.active.adapter))
        except RequestError as error:
            return "accepted", f"It was accepted, and is not in use: {error.message}"
        return "accepted", ""

    def _tell(self, kind: str, /, **told: Any) -> None:
        """Keeps an event, on disk first, and wakes who follows."""
        assert self.active is not None
        self._number += 1
        event = {"event": kind, "number": self._number, "at": round(time.time(), 3), **told}
        self._runs.append(self.active.run, event)
        self._events.append(event)
        self._wake()

    def _close(self, status: Status, message: str, hint: str) -> None:
        assert self.active is not None
        adapter = self.active.adapter if status == "accepted" else ""
        over = {"status": status, "ended_at": time.time(), "message": message, "hint": hint, "adapter": adapter}
        state = self.active.model_copy(update=over)
        try:
            self._runs.write(state)
            self._tell("RunClosed", status=status, message=message, hint=hint, adapter=adapter)
        except (OSError, ShammahError) as error:
            log.error("the end of the run %s could not be kept: %s", state.run, error)
        self.active = self._child = self._task = None
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _end_orphan(identity: ProcessIdentity) -> None:
    """A trainer notices by itself that its engine is gone; one that hangs is ended, with its children."""
    if not identity.pid or not identity.is_alive():
        return
    with suppress(psutil.Error):
        psutil.Process(identity.pid).terminate()
        psutil.Process(identity.pid).wait(10)
    if identity.is_alive():
        with suppress(OSError):
            os.killpg(identity.pid, 9)
