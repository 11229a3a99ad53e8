"""A GGUF's header, read and checked before llama.cpp sees the file, which may abort the process over a damaged one.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import mmap
import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shammah_tui.errors import ModelError

_DAMAGED_HINT = "The file is damaged or not complete: remove it and fetch it again."
_ENTRIES_MAX = 1 << 20

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

# Tensor type to (values a block, bytes a block), from ggml's `type_traits`. A type missing here is left to llama.cpp.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF says of itself. Arrays of strings (the vocabulary) are skipped over, not kept."""

    metadata: dict[str, Any]
    tensors: int
    size_bytes: int

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str, default: int = 0) -> int:
        """An integer of the architecture (`context_length`); of a list a value a layer, the largest."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        return int(max(value, default=default)) if isinstance(value, list) else int(value)


def read_header(path: Path) -> Header:
    """Reads and checks the header of `path`, and of its parts where it is split over several files.

    Raises `ModelError` for a file that is missing, not a GGUF, of an unknown version, damaged or cut short.
    """
    first = _read_one(path)
    parts = int(first.metadata.get("split.count", 1))
    if parts <= 1:
        return first
    size = 0
    for part in _split_paths(path, parts):
        size += _read_one(part).size_bytes
    return Header(first.metadata, first.tensors, size)


def _split_paths(path: Path, parts: int) -> list[Path]:
    match = re.fullmatch(r"(.+)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if match is None or int(match[2]) != 1 or int(match[3]) != parts:
        raise ModelError(
            f"{path.name} is one of {parts} parts of a model, and not the first.",
            "Give the path of the part whose name ends in -00001-of-….gguf.",
        )
    return [path.with_name(f"{match[1]}-{n:05d}-of-{parts:05d}.gguf") for n in range(1, parts + 1)]


def _read_one(path: Path) -> Header:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path} is not a file.", "Give the path of a GGUF file.")
        if status.st_size < 24:
            raise ModelError(f"{path} is not a GGUF model: it has only {status.st_size} bytes.", _DAMAGED_HINT)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data, path).header()
    except FileNotFoundError as error:
        raise ModelError(f"There is no model at {path}.", "Check the path, or leave it out.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, ValueError) as error:
        raise ModelError(f"{path} is cut short or damaged.", _DAMAGED_HINT) from error


class _Reader:
    """Walks over the header; every read beyond the end is a `struct.error`."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = 0

    def header(self) -> Header:
        if self._data[:4] != b"GGUF":
            raise ModelError(f"{self._path} is not a GGUF model.", "Give the path of a GGUF file.")
        self._at = 4
        version = self._scalar("I")
        if version not in (2, 3):
            raise ModelError(
                f"{self._path} is a GGUF of version {version}, which cannot be read here.",
                "Fetch a newer conversion of this model.",
            )
        tensors, entries = self._scalar("Q"), self._scalar("Q")
        if max(tensors, entries) > _ENTRIES_MAX:
            raise ValueError("more entries than any model has")
        metadata = {self._string(): self._value(self._scalar("I")) for _ in range(entries)}
        if not metadata.get("general.architecture") and not metadata.get("split.count"):
            raise ModelError(f"{self._path} does not say which architecture it has.", _DAMAGED_HINT)
        self._check_tensors(tensors, int(metadata.get("general.alignment", 32)))
        return Header(metadata, tensors, len(self._data))

    def _scalar(self, form: str) -> Any:
        unpacked = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return unpacked[0]

    def _string(self) -> str:
        length = self._scalar("Q")
        if length > len(self._data) - self._at:
            raise ValueError("a text beyond the end of the file")
        text = self._data[self._at : self._at + length].decode("utf-8", "replace")
        self._at += length
        return text

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._scalar(_SCALARS[kind]) if kind in _SCALARS else self._unknown(kind)
        item, count = self._scalar("I"), self._scalar("Q")
        if item == _STRING:
            return self._skip_strings(count)
        form = _SCALARS.get(item) or self._unknown(item)
        size = count * struct.calcsize(form)
        if size > len(self._data) - self._at:
            raise ValueError("a list beyond the end of the file")
        values = list(struct.unpack_from(f"<{count}{form}", self._data, self._at))
        self._at += size
        return values

    def _skip_strings(self, count: int) -> None:
        at, end, length_at = self._at, len(self._data), struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_at(self._data, at)[0]
            if at > end:
                raise ValueError("a text beyond the end of the file")
        self._at = at

    def _unknown(self, kind: int) -> str:
        raise ValueError(f"a value of unknown type {kind}")

    def _check_tensors(self, count: int, alignment: int) -> None:
        if alignment <= 0 or alignment % 8:
            raise ValueError("an alignment that no model has")
        end = 0
        for _ in range(count):
            self._string()
            dimensions = self._scalar("I")
            if dimensions > 4:
                raise ValueError("a tensor of more than four dimensions")
            values = 1
            for _ in range(dimensions):
                values *= self._scalar("Q")
            kind, offset = self._scalar("I"), self._scalar("Q")
            block, size = _BLOCKS.get(kind, (1, 0))
            end = max(end, offset + values // block * size)
        start = -(-self._at // alignment) * alignment
        if start + end > len(self._data):
            missing = start + end - len(self._data)
            raise ModelError(f"{self._path} is cut short: {missing:,} bytes are missing.", _DAMAGED_HINT)
