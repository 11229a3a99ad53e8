"""What the hub says of a repository: its commit, its files, their sizes and sha256. One request."""

from __future__ import annotations

import re

from huggingface_hub import HfApi, constants
from huggingface_hub.hf_api import ModelInfo

from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.bootstrap.hub.protocol import Request, Resolved
from shammah_tui.bootstrap.hub.selection import groups, select
from shammah_tui.bootstrap.wish import is_safe_name
from shammah_tui.errors import DownloadError

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


def resolve(request: Request) -> Resolved:
    """Ask the hub for the files of `request`. Raises DownloadError where they are not there, not safe to write, not
    verifiable, or not what is pinned; and the library's errors."""
    info = HfApi().model_info(
        request.repo,
        revision=request.revision or None,
        files_metadata=True,
        timeout=float(constants.HF_HUB_DOWNLOAD_TIMEOUT),
    )
    if info.sha is None or not COMMIT.fullmatch(info.sha):
        raise ValueError("no commit in the answer")
    if request.revision and info.sha != request.revision:
        raise DownloadError(
            f"The hub gave another version of {request.repo} than the pinned one.",
            "This must not happen; check HF_ENDPOINT if it is set.",
        )
    there = _files(info)
    if request.files:
        return Resolved(
            revision=info.sha, files=tuple(_pinned(wanted, there, request.repo) for wanted in request.files)
        )
    chosen = select(tuple(there), {name: file.size_bytes for name, file in there.items()}, request.selector)
    if not chosen:
        raise DownloadError(*_nothing(request, tuple(there)))
    return Resolved(revision=info.sha, files=tuple(_verifiable(there[name], request.repo) for name in chosen))


def _files(info: ModelInfo) -> dict[str, RemoteFile]:
    found = {}
    for sibling in info.siblings or ():
        size = sibling.lfs.size if sibling.lfs else sibling.size
        sha256 = sibling.lfs.sha256 if sibling.lfs else ""
        if not is_safe_name(sibling.rfilename):
            raise DownloadError(
                f"The hub lists a file with the name {sibling.rfilename!r}, which points outside its folder.",
                "Nothing was written. Do not use this repository.",
            )
        if size:
            found[sibling.rfilename] = RemoteFile(
                name=sibling.rfilename, size_bytes=size, sha256=sha256 if SHA256.fullmatch(sha256) else ""
            )
    return found


def _pinned(wanted: RemoteFile, there: dict[str, RemoteFile], repo: str) -> RemoteFile:
    file = there.get(wanted.name)
    if file is None:
        raise DownloadError(f"{repo} has no file {wanted.name}.", "Update Shammah, or choose another model.")
    if file.size_bytes != wanted.size_bytes or (wanted.sha256 and file.sha256 and file.sha256 != wanted.sha256):
        raise DownloadError(
            f"The hub offers another {wanted.name} than the one that is known ({repo}).",
            "Nothing was downloaded. Check HF_ENDPOINT if it is set, and update Shammah.",
        )
    return _verifiable(
        RemoteFile(name=file.name, size_bytes=file.size_bytes, sha256=wanted.sha256 or file.sha256), repo
    )


def _verifiable(file: RemoteFile, repo: str) -> RemoteFile:
    if not file.sha256:
        raise DownloadError(
            f"The hub names no sha256 for {file.name} of {repo}, so it could not be verified.",
            "Download the file by hand and give its path: --model /path/to/file.gguf.",
        )
    return file


def _nothing(request: Request, names: tuple[str, ...]) -> tuple[str, str]:
    whole = ", ".join(groups(names)) or "no GGUF at all"
    wanted = f"no GGUF for {request.selector}" if request.selector else "several GGUFs and no usual one among them"
    if not groups(names):
        wanted = "no GGUF file"
    return f"{request.repo} has {wanted}.", f"It has: {whole}. Name one: --model {request.repo}:file.gguf."
