from __future__ import annotations

import struct
from pathlib import Path

from shammah_tui.learning import tensorboard
from shammah_tui.learning.event import HeldOutMeasured, StepReported
from shammah_tui.learning.tensorboard import EventFile


def records(path: Path) -> list[bytes]:
    """The records of a TFRecord file, their checksums checked."""
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack_from("<Q", data)
        assert data[8:12] == tensorboard._masked(data[:8])
        record = data[12 : 12 + length]
        assert data[12 + length : 16 + length] == tensorboard._masked(record)
        found.append(record)
        data = data[16 + length :]
    return found


def test_checksums_are_those_of_the_published_vector() -> None:
    crc = 0xE3069283  # CRC-32C of "123456789", RFC 3720
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert tensorboard._masked(b"123456789") == struct.pack("<I", masked)


def test_steps_become_scalars_that_tensorboard_can_draw(tmp_path: Path) -> None:
    step = StepReported(300, 500, 1.5, 1.0, 0.5, 1e-3, 2.0, 10, 5, 100.0, 1.0, {"red": 0.25})
    held = HeldOutMeasured(300, 0.1, 0.2, 0.9, 10, 1.0, 20, best=True)
    with EventFile(tmp_path / "logs") as file:
        file.hear(step)
        file.hear(held)
    (path,) = (tmp_path / "logs").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    version, first, second = records(path)
    assert version.endswith(b"\x1a\x0dbrain.Event:2")
    assert first[9:12] == b"\x10\xac\x02"  # step 300 as a varint
    assert b"\x0a\x0atrain/loss\x15" + struct.pack("<f", 1.5) in first
    assert b"train/loss_red\x15" + struct.pack("<f", 0.25) in first
    assert b"eval/adherence\x15" + struct.pack("<f", 0.9) in second
