"""Keys and values of conversations on disk, so that the first turn after a restart need not read it all again.

A file is what `llama_state_seq_save_file` writes (magic, version, count, tokens, state), followed by our own end
mark with a checksum: llama.cpp itself would take a file with flipped bits. Nothing here is precious: what is
damaged, or does not fit this model and these settings, is ignored, and the oldest files go first.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from shammah_tui.engine.library import native
from shammah_tui.engine.request import LoadedModel, LoadOptions
from shammah_tui.engine.slot import CacheKey

log = logging.getLogger(__name__)

FILES_MAX = 20
BYTES_MAX = 2 << 30
_SUFFIX = ".kv"
_HEADER = struct.Struct("<III")  # magic "ggsq", version, number of tokens
_END = struct.Struct("<8sQI")  # mark, bytes before it, their CRC-32
_MARK = b"shammah1"


def identity(model: LoadedModel, options: LoadOptions) -> str:
    """What saved states depend on besides session and adapter: the model's file, how it is loaded, llama.cpp."""
    status = model.path.stat()
    with model.path.open("rb") as file:
        beginning = hashlib.sha256(file.read(1 << 20)).hexdigest()
    parts = (
        beginning, status.st_size, status.st_mtime_ns, model.device, options.kv_type, options.flash_attention,
        native.llama_version(),
    )  # fmt: skip
    return repr(parts)


class SessionStore:
    """The files of one model in `folder`. Used by the scheduler's thread alone; never raises for a file's sake."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def tokens(self, session: str, key: CacheKey) -> list[int]:
        """The tokens whose state is on disk for `session`; empty for none."""
        path = self._path(session, key)
        try:
            with path.open("rb") as file:
                magic, version, count = _HEADER.unpack(file.read(_HEADER.size))
                if magic != native.LLAMA_STATE_SEQ_MAGIC or version != native.LLAMA_STATE_SEQ_VERSION:
                    raise ValueError("not a state of this llama.cpp")
                if count * 4 > path.stat().st_size:
                    raise ValueError("fewer tokens than it says")
                return list(struct.unpack(f"<{count}i", file.read(4 * count)))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, struct.error) as error:
            self._drop(path, error)
            return []

    def restore(self, context: int, sequence: int, session: str, key: CacheKey, tokens: Sequence[int]) -> bool:
        """Loads the state of `tokens` into the empty `sequence`; false where it could not be."""
        path = self._path(session, key)
        try:
            _check(path)
        except (OSError, ValueError, struct.error) as error:
            self._drop(path, error)
            return False
        room = (native.llama_token * len(tokens))()
        count = ctypes.c_size_t()
        read = native.llama_state_seq_load_file(
            context, os.fsencode(path), sequence, room, len(tokens), ctypes.byref(count)
        )
        if not read or list(room[: count.value]) != list(tokens):
            log.info("a saved session did not fit the cache")
            return False
        return True

    def save(self, context: int, sequence: int, session: str, key: CacheKey, tokens: Sequence[int]) -> bool:
        """Writes the state of `tokens`, which is all that `sequence` holds."""
        if native.llama_state_seq_get_size(context, sequence) > BYTES_MAX // 2:
            return False
        path = self._path(session, key)
        draft = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # llama.cpp opens the file by its name: made here first, it keeps this mode whatever the umask.
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            values = (native.llama_token * len(tokens))(*tokens)
            written = native.llama_state_seq_save_file(context, os.fsencode(draft), sequence, values, len(tokens))
            if not written:
                raise OSError("llama.cpp could not write it")
            _seal(draft)
            draft.replace(path)
            self._prune()
        except OSError as error:
            log.warning("a session could not be saved: %s", error)
            _remove(draft)
            return False
        return True

    def _path(self, session: str, key: CacheKey) -> Path:
        name = repr((self._identity, key.adapter, key.scale, session))
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}{_SUFFIX}"

    def _drop(self, path: Path, error: Exception) -> None:
        log.warning("a saved session is damaged (%s): removed", error)
        _remove(path)

    def _prune(self) -> None:
        files = sorted(
            ((path, path.stat()) for path in self._folder.glob(f"*{_SUFFIX}")),
            key=lambda entry: entry[1].st_mtime_ns,
            reverse=True,
        )
        total = 0
        for place, (path, status) in enumerate(files):
            total += status.st_size
            if place >= FILES_MAX or total > BYTES_MAX:
                path.unlink(missing_ok=True)
        for leftover in self._folder.glob("*.part"):
            leftover.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("a session's file could not be removed: %s", error)


def _seal(path: Path) -> None:
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            size, checksum = len(data), zlib.crc32(data)
        file.seek(size)
        file.write(_END.pack(_MARK, size, checksum))


def _check(path: Path) -> None:
    """Raises `ValueError` where the file is not what `_seal` left."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        body = len(data) - _END.size
        mark, size, checksum = _END.unpack_from(data, max(0, body))
        if mark != _MARK or size != body:
            raise ValueError("its end is missing")
        with memoryview(data) as view, view[:body] as content:
            if zlib.crc32(content) != checksum:
                raise ValueError("its checksum is wrong")
