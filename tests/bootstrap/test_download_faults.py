"""The real child against a hub, a network and a disk that are not well."""

from __future__ import annotations

import asyncio
import resource
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from shammah_tui.bootstrap import cache
from shammah_tui.bootstrap.hub.protocol import Request
from shammah_tui.bootstrap.reach import CERTIFICATE, obstacle_to_hub
from shammah_tui.config.settings import Settings
from tests.bootstrap.asking import HALF, OTHER, REPO, SHA256, fetch, partial, refusal, wanted
from tests.bootstrap.conftest import DATA
from tests.bootstrap.hub import COMMIT, Hub
from tests.bootstrap.hub_server import Faults, Repo


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


async def test_a_stall_is_said_and_what_came_before_is_used_by_the_next_run(hub: Hub) -> None:
    hub.misbehave(Faults(stall_at=HALF))
    error = await refusal(wanted(attempts=1))
    assert "stalled" in error.message
    assert error.retryable
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


def make_certificate(key: Path, certificate: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made by openssl")
async def test_a_certificate_that_nobody_signed_is_said(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    await asyncio.to_thread(make_certificate, key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"https://localhost:{server.sockets[0].getsockname()[1]}")
        assert await obstacle_to_hub(Settings()) == CERTIFICATE
        error = await refusal()
    assert "is not trusted" in error.message
    assert "SSL_CERT_FILE" in error.hint
