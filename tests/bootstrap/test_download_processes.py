"""Several processes, and processes that die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import psutil

from shammah_tui.bootstrap.download import Downloading, download
from tests.bootstrap.asking import HALF, NAME, REPO, REVISION, fetch, output, partial, refusal, wait_for, wanted
from tests.bootstrap.conftest import DATA
from tests.bootstrap.hub import Hub
from tests.bootstrap.hub_server import Faults


async def test_two_at_once_fetch_the_file_once(hub: Hub) -> None:
    hub.misbehave(Faults(bytes_per_second=700_000))
    notices = set()

    async def follow() -> Path:
        arrived = None
        async for event in download(wanted()):
            if isinstance(event, Downloading):
                notices.add(event.notice)
            else:
                (arrived,) = event.paths
        assert arrived is not None
        return arrived

    first, second = await asyncio.gather(follow(), follow())
    assert first == second
    assert hub.seen.sent_bytes == len(DATA)
    assert "Another process is downloading the same file." in notices


async def test_stopping_ends_the_child_at_once_and_keeps_what_came(hub: Hub) -> None:
    hub.misbehave(Faults(stall_at=HALF))
    others = set(psutil.Process().children())
    async with aclosing(download(wanted())) as events:
        async for event in events:
            if isinstance(event, Downloading) and event.progress.done_bytes:
                break
        before = time.monotonic()
    assert time.monotonic() - before < 1
    assert set(psutil.Process().children()) <= others
    assert partial().stat().st_size > 0


async def test_a_child_whose_parent_was_killed_goes_away_and_the_next_run_resumes(hub: Hub) -> None:
    hub.misbehave(Faults(bytes_per_second=400_000))
    script = (
        "import asyncio\n"
        "from shammah_tui.bootstrap.download import download\n"
        "from tests.bootstrap.asking import wanted\n"
        "async def main():\n"
        "    async for event in download(wanted()): print(event, flush=True)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", script], stdout=subprocess.DEVNULL)
    await asyncio.to_thread(wait_for, lambda: partial().exists() and partial().stat().st_size > len(DATA) // 5)
    children = psutil.Process(parent.pid).children()
    assert len(children) == 1
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 3)
    assert alive == []
    came = partial().stat().st_size
    hub.misbehave(Faults())
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.ranges == [f"bytes={came}-"]


async def test_a_child_that_is_killed_is_said(hub: Hub) -> None:
    hub.misbehave(Faults(stall_at=HALF))
    # Earlier tests of this process may have left some that nobody has waited for yet.
    others = set(psutil.Process().children())

    async def kill() -> None:
        await asyncio.to_thread(wait_for, partial().exists)
        (child,) = set(psutil.Process().children()) - others
        os.kill(child.pid, signal.SIGKILL)

    killer = asyncio.create_task(kill())
    error = await refusal()
    await killer
    assert error.retryable
    assert "without a word" in error.message


async def test_the_library_itself_waits_for_our_download_and_uses_it(hub: Hub) -> None:
    hub.misbehave(Faults(bytes_per_second=500_000))
    script = (
        "import sys; from huggingface_hub import hf_hub_download;"
        "print(hf_hub_download(*sys.argv[1:3], revision=sys.argv[3]))"
    )
    ours = asyncio.create_task(fetch())
    await asyncio.to_thread(wait_for, partial().exists)
    theirs = await asyncio.to_thread(output, script, REPO, NAME, REVISION)
    assert theirs.strip() == str((await ours).paths[0])
    assert hub.seen.sent_bytes == len(DATA)
