"""The real child against a hub that is well, and one that is not."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from shammah_tui.bootstrap import cache, ledger
from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.download import Downloaded, Downloading, Rate, download
from shammah_tui.bootstrap.hub.protocol import Request
from shammah_tui.errors import DownloadError
from tests.bootstrap.conftest import DATA
from tests.bootstrap.hub import COMMIT, Faults, Hub, Repo

REPO = "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"
REVISION = "f86cb2c1fa58255f8052cc32aeede1b7482d4361"
NAME = "qwen2.5-coder-1.5b-instruct-q8_0.gguf"
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = RemoteFile(name=NAME, size_bytes=len(DATA), sha256=SHA256)
HALF = len(DATA) // 2

OTHER = "owner/other-GGUF"


def wanted(attempts: int = 2) -> Request:
    return Request(repo=REPO, revision=REVISION, files=(FILE,), attempts=attempts)


async def fetch(request: Request | None = None) -> Downloaded:
    found = [event async for event in download(request or wanted())]
    assert isinstance(found[-1], Downloaded)
    return found[-1]


async def refusal(request: Request | None = None) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        await fetch(request)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def partial() -> Path:
    return cache.repo_folder(REPO) / "blobs" / f"{SHA256}.incomplete"


def leftovers() -> list[str]:
    """Files in the cache that are neither the model, its link, nor a lock."""
    found = cache.hub_cache_folder().rglob("*")
    return [path.name for path in found if path.is_file() and path.name not in (SHA256, NAME, f"{SHA256}.lock")]


def output(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True).stdout


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


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


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        (Faults(cut_at=(HALF,), ignore_range=True), ["", f"bytes={HALF}-"]),
        (Faults(cut_at=(HALF,), wrong_range=True), ["", f"bytes={HALF}-", ""]),
        (Faults(cdn_status=503, cdn_status_times=2), ["", ""]),
        (Faults(cdn_status=429, cdn_status_times=1, retry_after="0"), [""]),
    ],
    ids=["range ignored", "another range", "server busy", "too many requests"],
)
async def test_passing_faults_are_overcome(hub: Hub, faults: Faults, ranges: list[str]) -> None:
    hub.misbehave(faults)
    assert (await fetch(wanted(attempts=3))).paths[0].read_bytes() == DATA
    assert [asked for asked in hub.seen.ranges if asked] == [asked for asked in ranges if asked]


@pytest.mark.parametrize(
    ("faults", "words", "retryable"),
    [
        (Faults(api_status=401), "does not accept the token", False),
        (Faults(api_status=403), "refuses", False),
        (Faults(api_status=403, error_code="GatedRepo"), "is gated", False),
        (Faults(api_status=404), "no repository", False),
        (Faults(api_status=401, error_code="RepoNotFound"), "no repository", False),
        (Faults(api_status=404, error_code="RevisionNotFound"), "no longer the version", False),
        (Faults(resolve_status=404, error_code="EntryNotFound"), "no such file", False),
        (Faults(resolve_status=403, error_code="GatedRepo"), "is gated", False),
        (Faults(api_status=429), "asks for a pause", True),
        (Faults(api_status=500), "failed (500)", True),
        (Faults(cdn_status=500), "failed (500)", True),
        (Faults(cdn_status=403), "refuses", False),
        (Faults(html=True), "not the model hub", True),
        (Faults(wrong_bytes=True), "wrong bytes", True),
        (Faults(cut_at=(HALF,), etag_changes_after=1), "changed on the hub", True),
        (Faults(declared_size=len(DATA) + 1), "another", False),
        (Faults(other_names=("../../../evil.gguf",)), "outside its folder", False),
        (Faults(stall_at=HALF), "stalled", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_faults_are_said_in_plain_words(hub: Hub, faults: Faults, words: str, retryable: bool) -> None:
    hub.misbehave(faults)
    error = await refusal(wanted(attempts=1))
    assert words in error.message
    assert error.retryable is retryable
    assert not (cache.repo_folder(REPO) / "snapshots").exists()
    assert not (cache.repo_folder(REPO) / "blobs" / SHA256).exists()


async def test_wrong_bytes_are_deleted_and_trying_again_works(hub: Hub) -> None:
    hub.misbehave(Faults(wrong_bytes=True))
    await refusal()
    assert not partial().exists()
    hub.misbehave(Faults())
    assert (await fetch()).paths[0].read_bytes() == DATA


async def test_what_came_before_a_stall_is_used_by_the_next_run(hub: Hub) -> None:
    hub.misbehave(Faults(stall_at=HALF))
    await refusal(wanted(attempts=1))
    hub.misbehave(Faults())
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.ranges == [f"bytes={HALF}-"]


async def test_a_part_that_the_server_has_not_is_fetched_from_the_start(hub: Hub) -> None:
    partial().parent.mkdir(parents=True)
    partial().write_bytes(DATA[:HALF])
    hub.misbehave(Faults(cdn_status=416, cdn_status_times=1))
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.sent_bytes == len(DATA)


async def test_a_partial_that_was_damaged_here_is_fetched_once_more_from_the_start(hub: Hub) -> None:
    partial().parent.mkdir(parents=True)
    partial().write_bytes(b"\0" * HALF)
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.ranges == [f"bytes={HALF}-", ""]


async def test_a_kill_before_the_final_rename_costs_no_byte(hub: Hub) -> None:
    partial().parent.mkdir(parents=True)
    partial().write_bytes(DATA)
    assert (await fetch()).paths[0].read_bytes() == DATA
    assert hub.seen.sent_bytes == 0


async def test_a_partial_that_is_too_long_starts_again(hub: Hub) -> None:
    partial().parent.mkdir(parents=True)
    partial().write_bytes(DATA + b"more")
    assert (await fetch()).paths[0].read_bytes() == DATA


async def test_a_file_that_another_program_left_damaged_is_replaced(hub: Hub) -> None:
    blob = cache.repo_folder(REPO) / "blobs" / SHA256
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"\0" * len(DATA))
    assert (await fetch()).paths[0].read_bytes() == DATA


async def test_the_token_goes_to_the_hub_and_never_to_another_host(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.misbehave(Faults(redirect_cdn=True))
    await fetch()
    assert [path.split("/")[1] for path in hub.seen.authorized_hub] == ["api", "Qwen"]
    assert hub.seen.authorized_cdn == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"HF_HUB_OFFLINE": "1"}, "forbids the hub"),
        ({"HF_ENDPOINT": "https://hub.invalid", "HTTPS_PROXY": "<hub>", "NO_PROXY": ""}, "proxy did not let"),
    ],
)
async def test_no_way_to_the_hub_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, hub.url if value == "<hub>" else value)
    assert words in (await refusal()).message


async def test_a_file_without_a_published_hash_is_refused(hub: Hub) -> None:
    hub.repos[OTHER] = Repo(COMMIT, {"other-Q4_K_M.gguf": DATA})
    hub.misbehave(Faults(no_hashes=True))
    error = await refusal(Request(repo=OTHER, attempts=1))
    assert "no sha256" in error.message
    assert "--model /path/to" in error.hint


async def test_too_little_room_is_said_before_anything_is_fetched(hub: Hub) -> None:
    hub.repos[OTHER] = Repo(COMMIT, {"other-Q4_K_M.gguf": DATA})
    hub.misbehave(Faults(declared_size=10**15))
    error = await refusal(Request(repo=OTHER, selector="Q4_K_M", attempts=1))
    assert "Not enough room" in error.message
    assert "HF_HOME" in error.hint
    assert hub.seen.sent_bytes == 0


async def test_a_disk_that_becomes_full_is_said_and_what_came_is_kept(hub: Hub) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        error = await refusal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "disk became full" in error.message
    assert partial().stat().st_size == HALF
    await fetch()
    assert hub.seen.sent_bytes < 2 * len(DATA)


async def test_a_folder_that_cannot_be_written_is_said(hub: Hub) -> None:
    blocked = cache.hub_cache_folder()
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the cache should be")
    error = await refusal()
    assert str(blocked) in error.message + error.hint


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
    async with aclosing(download(wanted())) as events:
        async for event in events:
            if isinstance(event, Downloading) and event.progress.done_bytes:
                break
        before = time.monotonic()
    assert time.monotonic() - before < 1
    assert psutil.Process().children() == []
    assert partial().stat().st_size > 0


async def test_a_child_whose_parent_was_killed_goes_away_and_the_next_run_resumes(hub: Hub) -> None:
    hub.misbehave(Faults(bytes_per_second=400_000))
    script = (
        "import asyncio\n"
        "from shammah_tui.bootstrap.download import download\n"
        "from tests.bootstrap.test_download import wanted\n"
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

    async def kill() -> None:
        await asyncio.to_thread(wait_for, partial().exists)
        (child,) = psutil.Process().children()
        os.kill(child.pid, signal.SIGKILL)

    killer = asyncio.create_task(kill())
    error = await refusal()
    await killer
    assert error.retryable
    assert "without a word" in error.message


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
