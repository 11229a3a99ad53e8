"""Asking the real child for one file, and looking at what it left: shared by the tests of the download."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shammah_tui.bootstrap import cache
from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.download import Downloaded, download
from shammah_tui.bootstrap.hub.protocol import Request
from shammah_tui.errors import DownloadError
from tests.bootstrap.conftest import DATA

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
