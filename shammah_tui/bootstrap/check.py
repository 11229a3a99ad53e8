"""Whether the files in the cache are what they should be, found out once before their first use.

The library checks only the length of what it downloads, and other programs write into the same cache.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

from shammah_tui.bootstrap import cache, ledger
from shammah_tui.bootstrap.catalog import RemoteFile
from shammah_tui.errors import ModelError

HASH_CHUNK_BYTES = 32 * 1024**2
GGUF_MAGIC = b"GGUF"


class Damaged(ModelError):
    """A file had another sha256 than it should; it is deleted."""


async def check(path: Path, file: RemoteFile) -> AsyncGenerator[int]:
    """Compare the sha256 of `path` with that of `file`, giving the bytes that were read so far; nothing is read where
    this very file was verified before. Raises Damaged after deleting it."""
    expected = file.sha256 or cache.expected_sha256(path)
    if not expected or await asyncio.to_thread(ledger.is_verified, path, expected):
        return
    digest, done = hashlib.sha256(), 0
    source = await asyncio.to_thread(path.open, "rb", 0)
    with source:
        # In chunks, each off the loop, so that stopping in between is prompt.
        while chunk := await asyncio.to_thread(source.read, HASH_CHUNK_BYTES):
            await asyncio.to_thread(digest.update, chunk)
            done += len(chunk)
            yield done
    if digest.hexdigest() != expected:
        await asyncio.to_thread(_delete, path)
        raise Damaged(f"{path.name} in the cache was damaged (wrong sha256); it was deleted.")
    await asyncio.to_thread(ledger.remember, path, expected)


def inspect(path: Path) -> tuple[Path, int]:
    """Absolute path and size of a GGUF that a person named. Raises ModelError where it is none."""
    file = path.absolute()
    try:
        with file.open("rb") as source:
            magic = source.read(len(GGUF_MAGIC))
        size_bytes = file.stat().st_size
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.", "Give the path of a GGUF file.") from error
    if magic != GGUF_MAGIC:
        raise ModelError(f"{file} is no GGUF file.", "Only GGUF can be loaded; look for a GGUF of this model.")
    return file, size_bytes


def _delete(path: Path) -> None:
    """Remove the file and the blob behind it, so that it is fetched anew."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)
