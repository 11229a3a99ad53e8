"""The real child against a hub that is well, or that cuts."""

from __future__ import annotations

import asyncio
import time

import pytest

from shammah_tui.bootstrap import cache, ledger
from shammah_tui.bootstrap.download import Downloading, Rate, download
from shammah_tui.bootstrap.hub.protocol import Request
from tests.bootstrap.asking import NAME, REPO, REVISION, SHA256, fetch, leftovers, output, partial, wanted
from tests.bootstrap.conftest import DATA
from tests.bootstrap.hub import Hub
from tests.bootstrap.hub_server import Faults


async def test_a_file_arrives_verified_in_the_standard_cache(hub: Hub) -> None:
    arrived = await fetch()
    (path,) = arrived.paths
    assert path == cache.repo_folder(REPO) / "snapshots" / REVISION / NAME
    assert path.read_bytes() == DATA
    assert path.resolve().name == SHA256
    assert ledger.is_verified(path, SHA256)
    assert leftovers() == []
    script = (
        "import sys; from huggingface_hub import hf_hub_download, scan_cache_dir;"
        "print(hf_hub_download(*sys.argv[1:3], revision=sys.argv[3], local_files_only=True));"
        "print(len(scan_cache_dir().repos), len(scan_cache_dir().warnings))"
    )
    assert (await asyncio.to_thread(output, script, REPO, NAME, REVISION)).split() == [str(path), "1", "0"]


async def test_progress_reaches_the_whole_with_a_rate_and_a_time_left(hub: Hub) -> None:
    hub.misbehave(Faults(bytes_per_second=1_500_000))
    seen = [event.progress async for event in download(wanted()) if isinstance(event, Downloading)]
    sizes = [progress.done_bytes for progress in seen]
    assert sizes == sorted(sizes)
    assert sizes[-1] == seen[-1].total_bytes == len(DATA)
    rated = [progress for progress in seen if progress.bytes_per_second]
    assert 300_000 < rated[-1].bytes_per_second < 5_000_000
    assert rated[0].seconds_left is not None


async def test_all_parts_of_a_split_model_lie_side_by_side(hub: Hub) -> None:
    repo = "Qwen/Qwen2.5-7B-Instruct-GGUF"
    arrived = await fetch(Request(repo=repo, selector="q4_k_m", attempts=2))
    assert [path.name[-23:] for path in arrived.paths] == ["k_m-00001-of-00002.gguf", "k_m-00002-of-00002.gguf"]
    assert len({path.parent for path in arrived.paths}) == 1
    assert b"".join(path.read_bytes() for path in arrived.paths) == DATA


async def test_cut_at_every_tenth_in_one_run_it_resumes_each_time(hub: Hub) -> None:
    tenths = tuple(len(DATA) * n // 10 for n in range(1, 10))
    hub.misbehave(Faults(cut_at=tenths))
    arrived = await fetch(wanted(attempts=1))
    assert arrived.paths[0].read_bytes() == DATA
    assert hub.seen.ranges == ["", *(f"bytes={cut}-" for cut in tenths)]
    assert hub.seen.sent_bytes == len(DATA)


@pytest.mark.parametrize("tenth", range(1, 10))
async def test_cut_at_a_tenth_and_stopped_the_next_run_resumes_there(hub: Hub, tenth: int) -> None:
    cut = len(DATA) * tenth // 10
    partial().parent.mkdir(parents=True)
    partial().write_bytes(DATA[:cut])
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.ranges == [f"bytes={cut}-"]
    assert leftovers() == []


async def test_the_loop_stays_free_while_a_file_comes(hub: Hub) -> None:
    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    ticking = asyncio.create_task(tick())
    await fetch()
    ticking.cancel()
    assert longest < 0.25


def test_a_rate_is_smooth_and_starts_again_when_the_file_does() -> None:
    rate = Rate()
    assert rate.update(0, 1_000_000) == 0
    assert rate.update(1, 2_000_000) == pytest.approx(1_000_000)
    after_a_pause = rate.update(2, 2_000_000)
    assert 700_000 < after_a_pause < 900_000
    assert rate.update(2, 2_000_000) == after_a_pause
    assert rate.update(3, 0) == 0
    assert rate.update(4, 500_000) == pytest.approx(500_000)
