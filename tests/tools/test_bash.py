"""Bash: output in bounds, and nothing outlives it."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil

from shammah_tui.tools.bash import job_command
from shammah_tui.tools.environment import scrubbed
from shammah_tui.tools.tool import Context, Limits, Output
from shammah_tui.tools.toolbox import run
from tests.tools.conftest import Call


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(path: Path) -> int:
    """Wait until somebody wrote it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"nobody wrote {path}")


async def test_output_and_status_come_back(call: Call) -> None:
    result = await call("Bash", command="echo one; echo two >&2; exit 3")
    assert result.text == "one\ntwo\n[exit status 3]"
    assert result.failed
    assert (await call("Bash", command="true")).text == "[no output, exit status 0]"
    assert (await call("Bash", command="cat; echo done")).text == "done", "standard input is closed"


async def test_output_is_shown_while_the_command_runs(context: Context) -> None:
    async with aclosing(run("Bash", {"command": "echo one; sleep 30"}, context)) as pieces:
        first = await asyncio.wait_for(anext(pieces), 5)
    assert first == Output("one\n")


async def test_a_cancelled_command_is_gone_with_its_children_within_moments(context: Context, folder: Path) -> None:
    command = "trap '' TERM; (trap '' TERM; echo $BASHPID > child; while :; do sleep 1; done) & echo go; wait"
    pieces = run("Bash", {"command": command}, context)
    await asyncio.wait_for(anext(pieces), 5)
    child = await asyncio.to_thread(pid_in, folder / "child")
    started = time.monotonic()
    await pieces.aclose()
    assert time.monotonic() - started < 2
    assert is_gone(child)


async def test_a_timeout_ends_what_ignores_it_and_moved_to_another_session(
    call: Call, context: Context, folder: Path
) -> None:
    quick = replace(context, limits=Limits(bash_grace_seconds=0.2))
    script = "import os,signal,time; os.setsid(); signal.signal(15, 1); "
    script += "open('child','w').write(str(os.getpid())); time.sleep(60)"
    command = f'python3 -c "{script}" & trap "" TERM; echo before; while :; do sleep 0.1; done'
    result = await call("Bash", quick, command=command, timeout_seconds=2)
    assert "before" in result.text
    assert "stopped after 2 s" in result.text
    assert is_gone(int((folder / "child").read_text()))


async def test_what_is_left_in_the_background_is_ended_with_the_command(call: Call) -> None:
    started = time.monotonic()
    result = await call("Bash", command="sleep 60 & echo $!")
    assert time.monotonic() - started < 5
    assert "background: true" in result.text
    assert is_gone(int(result.text.split("\n")[0]))


async def test_a_gigabyte_without_a_line_end_stays_bounded(context: Context) -> None:
    shown, result = 0, None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    command = "head -c 1000000000 /dev/zero; echo end"
    async with aclosing(run("Bash", {"command": command}, context)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Output):
                shown += len(piece.text)
            else:
                result = piece
    assert result is not None
    assert result.truncated
    assert result.text.endswith("end")
    assert len(result.text) < 31_000
    assert shown < 20_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


async def test_what_forks_without_end_and_ignores_the_signal_is_gone_with_its_children(context: Context) -> None:
    command = "trap '' TERM; echo go; while :; do (trap '' TERM; exec -a forked-by-a-test sleep 60) & sleep 0.02; done"
    pieces = run("Bash", {"command": command}, context)
    await asyncio.wait_for(anext(pieces), 5)
    await asyncio.sleep(0.5)
    await pieces.aclose()
    names = ((process.pid, process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    assert all(is_gone(pid) for pid, words in names if "forked-by-a-test" in words)


async def test_binary_output_is_text_in_the_end(call: Call) -> None:
    result = await call("Bash", command=r"printf 'a\0b\xff\xc3\xa9'")
    assert result.text == "a␀b\ufffdé"


async def test_a_background_command_is_read_and_stopped_by_its_id(call: Call, context: Context) -> None:
    result = await call("Bash", command="echo hello; sleep 60", background=True)
    assert "job-1" in result.text
    for _ in range(100):
        result = await call("Bash", command="shammah-job read job-1")
        if "hello" in result.text:
            break
        await asyncio.sleep(0.02)
    assert result.text == "hello\n[job-1 running]"
    assert "stopped" in (await call("Bash", command="shammah-job stop job-1")).text
    assert not context.jobs.running()
    assert "job-7" in (await call("Bash", command="shammah-job read job-7")).text


async def test_only_so_many_run_in_the_background(call: Call, context: Context) -> None:
    one = replace(context, limits=Limits(jobs=1))
    await call("Bash", one, command="sleep 60", background=True)
    assert "stop one first" in (await call("Bash", one, command="sleep 60", background=True)).text


def test_a_job_command_is_one_only_when_it_stands_alone() -> None:
    assert job_command("shammah-job read job-1") is not None
    for command in ("shammah-job read job-1; rm x", "shammah-job read job-1 && a", "shammah-job read\njob-1", "x"):
        assert job_command(command) is None


async def test_the_environment_is_scrubbed(call: Call, context: Context) -> None:
    given = {
        "HOME": "/h", "LD_PRELOAD": "x", "BASH_ENV": "x", "GIT_DIR": "x", "PYTHONPATH": "x", "NODE_OPTIONS": "x",
        "PAGER": "x", "EDITOR": "x", "ANTHROPIC_API_KEY": "x", "GITHUB_TOKEN": "x", "LANG": "C.UTF-8", "PATH": "/evil",
        "BASH_FUNC_ls%%": "() { evil; }",
    }  # fmt: skip
    left = scrubbed(given)
    assert {"HOME", "LANG"} <= set(left)
    assert not set(left) & {"LD_PRELOAD", "BASH_ENV", "GIT_DIR", "PYTHONPATH", "NODE_OPTIONS", "GITHUB_TOKEN",
                            "ANTHROPIC_API_KEY", "BASH_FUNC_ls%%", "EDITOR"}  # fmt: skip
    assert left["PAGER"] == "cat"
    assert "evil" not in left["PATH"]
    result = await call("Bash", replace(context, environment=scrubbed(given, quiet_git=True)), command="env")
    assert "GIT_CONFIG_VALUE_0=false" in result.text
    assert "GIT_CONFIG_KEY_0=core.fsmonitor" in result.text


async def test_a_command_does_not_take_the_name_of_its_folder_from_outside(
    call: Call, context: Context, folder: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link-to-it"
    link.symlink_to(folder)
    environment = scrubbed({"PWD": str(link), "OLDPWD": str(link)})

    assert not set(environment) & {"PWD", "OLDPWD"}
    result = await call("Bash", replace(context, environment=environment), command="pwd -L")
    assert result.text.strip() == str(folder)


async def test_the_sandbox_wraps_the_command(call: Call, context: Context) -> None:
    wrapped = replace(context, wrap=lambda argv: ("/usr/bin/env", "WRAPPED=yes", *argv))
    assert (await call("Bash", wrapped, command="echo $WRAPPED")).text == "yes"
