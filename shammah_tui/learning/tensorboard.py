"""Scalars as TensorBoard reads them, without its package: an event file of TFRecords, each a small protocol buffer.

Record: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data (tensorflow/core/lib/io).
Event: wall_time = 1 (double), step = 2 (int64), file_version = 3, summary = 5; a summary's value = 1 has a tag = 1 and
a simple_value = 2 (float) (tensorflow/core/util/event.proto, framework/summary.proto).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from shammah_tui.learning.event import HeldOutMeasured, RunEvent, StepReported

_POLYNOMIAL = 0x82F63B78


class EventFile:
    """A new event file in `folder`, which is made where it is missing. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("xb")
        self._write(_double(1, now) + _bytes(3, b"brain.Event:2"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def hear(self, event: RunEvent) -> None:
        """Keeps what of an event can be drawn."""
        if values := dict(_scalars(event)):
            self.scalars(event.step, values)  # type: ignore[union-attr]

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        summary = b"".join(
            _bytes(1, _bytes(1, tag.encode()) + _tag(2, 5) + struct.pack("<f", value)) for tag, value in values.items()
        )
        self._write(_double(1, time.time()) + _tag(2, 0) + _varint(step) + _bytes(5, summary))

    def _write(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        self._file.write(length + _masked(length) + data + _masked(data))
        self._file.flush()


def _scalars(event: RunEvent) -> Iterator[tuple[str, float]]:
    match event:
        case StepReported():
            for name in ("loss", "nll", "kl", "learning_rate", "grad_norm", "num_tokens", "tokens_per_second"):
                yield f"train/{name}", float(getattr(event, name))
            for color, loss in event.loss_by_color.items():
                yield f"train/loss_{color}", loss
        case HeldOutMeasured():
            for name in ("nll", "kl", "adherence", "unchanged"):
                yield f"eval/{name}", float(getattr(event, name))


def _tag(field: int, wire: int) -> bytes:
    return bytes([field << 3 | wire])


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _bytes(field: int, data: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(data)) + data


def _double(field: int, value: float) -> bytes:
    return _tag(field, 1) + struct.pack("<d", value)


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE = _table()


def _masked(data: bytes) -> bytes:
    """TFRecord's masked CRC-32C (Castagnoli), four bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
