"""Runs a command with bash: bounded in time and output, its whole process group ended with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, cast

from shammah_tui.tools.bounded import Decoder, HeadAndTail
from shammah_tui.tools.job import Job
from shammah_tui.tools.shell import Shell
from shammah_tui.tools.tool import Arguments, Context, Output, Piece, Refused, Result, Tool

# A command of our own, for the model: background commands live in this program, out of a shell's reach.
_JOB_COMMAND = re.compile(r"shammah-job (read|stop) (job-[0-9]{1,6})\s*\Z")
_SCREEN_CHARACTERS = 4_000
_SCREEN_SECONDS = 0.05
# A person who cancels waits for no one; 200 ms is what they may notice.
_CANCEL_GRACE_SECONDS = 0.05
_LEFT_BEHIND_GRACE_SECONDS = 0.1
_SUMMARY_CHARACTERS = 80


class BashArguments(Arguments):
    command: str
    description: str = ""
    timeout_seconds: int = 0
    background: bool = False


@dataclass(frozen=True, slots=True)
class JobCommand:
    """What a model asks of a background command of this session; nothing is run for it."""

    verb: Literal["read", "stop"]
    job: str


def job_command(command: str) -> JobCommand | None:
    """The job command that `command` is, and nothing else beside it; None for a command for the shell."""
    found = _JOB_COMMAND.match(command)
    return JobCommand(cast(Literal["read", "stop"], found[1]), found[2]) if found else None


def argv_of(command: str) -> tuple[str, ...]:
    return ("/bin/bash", "--noprofile", "--norc", "-c", command)


class Bash(Tool[BashArguments]):
    name = "Bash"
    description = "Run a shell command."
    reads_only = False
    arguments = BashArguments

    async def run(self, arguments: BashArguments, context: Context) -> AsyncGenerator[Piece, None]:
        command = arguments.command
        if not command.strip() or "\0" in command:
            raise Refused("The command is empty or holds a NUL character.")
        if asked := job_command(command):
            yield await _ask_job(asked, context)
        elif arguments.background:
            yield await _start_job(command, context)
        else:
            async with aclosing(_run(arguments, context)) as pieces:
                async for piece in pieces:
                    yield piece


async def _run(arguments: BashArguments, context: Context) -> AsyncGenerator[Piece, None]:
    limits = context.limits
    seconds = min(arguments.timeout_seconds if arguments.timeout_seconds > 0 else limits.bash_seconds,
                  limits.bash_seconds_max)  # fmt: skip
    argv = context.wrap(argv_of(arguments.command))
    shell = await Shell.start(argv, context.cwd, context.environment)
    kept, decoder = HeadAndTail(limits.result_characters), Decoder()
    loop = asyncio.get_running_loop()
    deadline, shown_at, unshown = loop.time() + seconds, 0.0, ""
    grace, timed_out = _CANCEL_GRACE_SECONDS, True
    try:
        while (left := deadline - loop.time()) > 0:
            data = await shell.read(min(left, _SCREEN_SECONDS))
            if data is None:
                timed_out = False
                break
            text = decoder.decode(data)
            kept.add(text)
            unshown = (unshown + text)[-_SCREEN_CHARACTERS:]
            if unshown and loop.time() >= shown_at + _SCREEN_SECONDS:
                yield Output(unshown)
                unshown, shown_at = "", loop.time()
        kept.add(tail := decoder.decode(b"", final=True))
        if unshown + tail:
            yield Output(unshown + tail)
        grace = limits.bash_grace_seconds if timed_out else _LEFT_BEHIND_GRACE_SECONDS
    finally:
        left_behind = await asyncio.shield(asyncio.ensure_future(shell.stop(grace)))
    yield _result(shell.status, kept, seconds if timed_out else None, left_behind, context.bounds)


def _result(
    status: int | None, kept: HeadAndTail, timed_out_after: float | None, left_behind: bool, bounds: str
) -> Result:
    text = kept.text("send the output to a file, or narrow the command, to see the rest").rstrip("\n")
    if timed_out_after is not None:
        note = f"stopped after {timed_out_after:g} s"
        advice = "a longer timeout_seconds, or background: true, lets it run on"
        text = f"{text}\n[{note}, with everything it had started; {advice}]"
    else:
        note = "done" if status == 0 else f"exit status {status}"
        if status != 0:
            text = f"{text}\n[exit status {status}{f'; {bounds}' if bounds else ''}]"
        elif not text:
            text = "[no output, exit status 0]"
        if left_behind:
            text += "\n[what it left running in the background was ended; use background: true for that]"
    return Result(
        text.lstrip("\n"),
        f"{note}, {kept.length} characters",
        failed=timed_out_after is not None or status != 0,
        truncated=bool(kept.left_out),
    )


async def _start_job(command: str, context: Context) -> Result:
    running = context.jobs.running()
    if len(running) >= context.limits.jobs:
        names = ", ".join(job.name for job in running)
        raise Refused(f"{len(running)} background commands run already ({names}); stop one first.")
    job = await context.jobs.start(
        command,
        context.wrap(argv_of(command)),
        context.cwd,
        context.environment,
        characters=context.limits.result_characters,
    )
    return Result(
        f"Runs in the background as {job.name}. `shammah-job read {job.name}` as a Bash command gives its output so "
        f"far and whether it runs; `shammah-job stop {job.name}` ends it.",
        f"{job.name} started: {command.strip().splitlines()[0][:_SUMMARY_CHARACTERS]}",
    )


async def _ask_job(asked: JobCommand, context: Context) -> Result:
    job = context.jobs.get(asked.job)
    if job is None:
        known = ", ".join(job.name for job in context.jobs.all()) or "none"
        raise Refused(f"There is no background command {asked.job}. Known: {known}.")
    if asked.verb == "stop":
        await job.stop(context.limits.bash_grace_seconds)
    return _job_result(job)


def _job_result(job: Job) -> Result:
    output = job.output().rstrip("\n") or "[no output yet]"
    return Result(f"{output}\n[{job.name} {job.state}]", f"{job.name} {job.state}")
