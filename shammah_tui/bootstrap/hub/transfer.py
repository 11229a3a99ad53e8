"""One file from the hub into the cache: locked, resumed, verified, then renamed.

    blobs/<sha256>.incomplete   grows; stays when the download is cut, and is continued by a Range request
    blobs/<sha256>              appears by one rename, after its sha256 was computed from the disk
    snapshots/<commit>/<name>   a link to it: what every user of the cache reads

Only a verified file ever has its final name, so whoever else uses the cache cannot load a damaged one.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import httpx2
from filelock import Timeout
from huggingface_hub import constants, get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, but re-exported without __all__
    WeakFileLock,
    build_hf_headers,
    hf_raise_for_status,
)

from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.hub.trouble import is_passing
from shammah_tui.errors import DownloadError

HASH_CHUNK_BYTES = 4 * 1024**2
LOCK_POLL_SECONDS = 1.0
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAX_SECONDS = 8.0
RETRY_AFTER_MAX_SECONDS = 30.0


class Watch(Protocol):
    """Hears how a file comes along; bytes are those of this file that are on the disk."""

    def advanced(self, done_bytes: int) -> None: ...

    def waited(self, done_bytes: int) -> None:
        """Another process holds the file's lock."""

    def checked(self, done_bytes: int) -> None:
        """The sha256 is being computed."""


class Cut(httpx2.TransportError):
    """The server ended the answer before the file was whole, or sent another part of it than was asked for."""


def store(repo: str, revision: str, file: RemoteFile, watch: Watch, *, attempts: int) -> Path:
    """Have `file` whole and verified in the cache and give its path there.

    Raises DownloadError (wrong bytes, another file than pinned), the library's errors, and OSError.
    """
    folder = Path(constants.HF_HUB_CACHE) / "--".join(("models", *repo.split("/")))
    blob = folder / "blobs" / file.sha256
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(constants.HF_HUB_CACHE) / ".locks" / folder.name / f"{file.sha256}.lock"
    with _locked(lock, _partial(blob), watch):
        if not (blob.is_file() and _is_genuine(blob, file, watch)):
            _fetch_verified(repo, revision, file, blob, watch, attempts)
        watch.advanced(file.size_bytes)
        return _linked(folder / "snapshots" / revision, file.name, blob)


def present_bytes(repo: str, file: RemoteFile) -> int:
    """How much of the file is on this disk already."""
    blob = Path(constants.HF_HUB_CACHE) / "--".join(("models", *repo.split("/"))) / "blobs" / file.sha256
    return max(_size(blob), min(_size(_partial(blob)), file.size_bytes))


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as source:
        while chunk := source.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch_verified(repo: str, revision: str, file: RemoteFile, blob: Path, watch: Watch, attempts: int) -> None:
    partial = _partial(blob)
    resumed = _size(partial) > 0
    while True:
        _receive(repo, revision, file, partial, watch, attempts)
        if _is_genuine(partial, file, watch):
            partial.replace(blob)
            return
        partial.unlink()
        if not resumed:
            raise DownloadError(
                f"{file.name} arrived with the right length but wrong bytes (sha256); it was deleted.",
                "Try again. If it happens again, a proxy or a mirror changes what passes: check HF_ENDPOINT.",
                retryable=True,
            )
        # What an earlier run left may have been damaged on this disk: once more from the start.
        resumed = False


def _receive(repo: str, revision: str, file: RemoteFile, partial: Path, watch: Watch, attempts: int) -> None:
    """Bring `partial` to its full length, going on after each cut as long as something comes."""
    idle = 0
    while (before := _size(partial)) != file.size_bytes:
        try:
            _receive_once(_source(repo, revision, file), file, partial, watch)
        except httpx2.HTTPError as error:
            idle = 0 if _size(partial) > before else idle + 1
            if not is_passing(error) or idle >= attempts:
                raise
            time.sleep(_pause(error, idle))


def _source(repo: str, revision: str, file: RemoteFile) -> httpx2.Request:
    """The request for the file's bytes. Asked anew for each attempt, since signed addresses expire.

    Only a host that is the hub itself gets the token.
    """
    url = hf_hub_url(repo, file.name, revision=revision)
    headers = build_hf_headers()
    metadata = get_hf_file_metadata(url, timeout=float(constants.HF_HUB_DOWNLOAD_TIMEOUT))
    changed = metadata.size not in (None, file.size_bytes) or (
        metadata.etag is not None and len(metadata.etag) == 64 and metadata.etag != file.sha256
    )
    if changed:
        raise DownloadError(
            f"{file.name} changed on the hub while it was downloaded, although its version is pinned.",
            "Check HF_ENDPOINT if it is set: a mirror may mix versions. Then try again.",
            retryable=True,
        )
    target = httpx2.URL(metadata.location)
    if _origin(target) != _origin(httpx2.URL(url)):
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    headers["Accept-Encoding"] = "identity"
    return get_session().build_request("GET", target, headers=headers, timeout=float(constants.HF_HUB_DOWNLOAD_TIMEOUT))


def _receive_once(request: httpx2.Request, file: RemoteFile, partial: Path, watch: Watch) -> None:
    start = _size(partial)
    if start > file.size_bytes:
        os.truncate(partial, 0)
        start = 0
    if start:
        request.headers["Range"] = f"bytes={start}-"
    response = get_session().send(request, stream=True)
    try:
        if start and response.status_code == 416:
            os.truncate(partial, 0)
            raise Cut("the server has no such part", request=request)
        hf_raise_for_status(response)
        _append(response, start, file, partial, watch)
    finally:
        response.close()


def _append(response: httpx2.Response, start: int, file: RemoteFile, partial: Path, watch: Watch) -> None:
    if start and not _continues(response, start, file.size_bytes):
        os.truncate(partial, 0)
        start = 0
        if response.status_code == 206:
            raise Cut("another part than was asked for", request=response.request)
    done = start
    with partial.open("ab", buffering=0) as sink:
        for chunk in response.iter_raw():
            # More than the file has can only be wrong; the check of the sha256 will say so.
            sink.write(chunk[: file.size_bytes - done])
            done = min(done + len(chunk), file.size_bytes)
            watch.advanced(done)
        os.fsync(sink.fileno())
    if done < file.size_bytes:
        raise Cut("the answer ended too early", request=response.request)


def _continues(response: httpx2.Response, start: int, total: int) -> bool:
    """Whether this is the rest from `start` on. A 200 means that the server ignored the Range and sends everything."""
    if response.status_code != 206:
        return False
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    return unit == "bytes" and rest.startswith(f"{start}-") and rest.rpartition("/")[2] in (str(total), "*")


def _pause(error: httpx2.HTTPError, idle: int) -> float:
    """Seconds until the next attempt: what the server asks for, else twice as long each time."""
    if isinstance(error, HfHubHTTPError):
        asked = str(error.response.headers.get("Retry-After", ""))
        if asked.isdecimal():
            return min(float(asked), RETRY_AFTER_MAX_SECONDS)
    return min(math.ldexp(BACKOFF_FIRST_SECONDS, idle), BACKOFF_MAX_SECONDS)


def _is_genuine(path: Path, file: RemoteFile, watch: Watch) -> bool:
    watch.checked(_size(path))
    return _size(path) == file.size_bytes and sha256_of(path) == file.sha256


def _linked(snapshot: Path, name: str, blob: Path) -> Path:
    """Make `snapshots/<commit>/<name>` point to the blob, by a relative link as the library does."""
    link = snapshot / name
    link.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(blob, link.parent)
    if not (link.is_symlink() and str(link.readlink()) == target):
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.symlink_to(target)
        fresh.replace(link)
    return link


@contextmanager
def _locked(lock: Path, partial: Path, watch: Watch) -> Iterator[None]:
    """The library's own lock for this blob; `watch` hears how far the other process is."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        held = WeakFileLock(lock, timeout=LOCK_POLL_SECONDS)
        try:
            held.__enter__()
        except Timeout:
            watch.waited(_size(partial))
            continue
        break
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _partial(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.incomplete")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
