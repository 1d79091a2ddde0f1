"""TensorBoard event files, read back by tensorboardX."""

from __future__ import annotations

import io
import struct

import pytest

from core.training.jobs.event_file import Scalars, crc32c, event_file


def events(content: bytes) -> list[object]:
    """Every event of a file, its checksums verified; the messages are parsed by tensorboardX."""
    from tensorboardX.crc32c import crc32c as theirs
    from tensorboardX.proto import event_pb2

    def masked(data: bytes) -> int:
        crc = theirs(data)
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    stream, found = io.BytesIO(content), []
    while head := stream.read(8):
        assert struct.unpack("<I", stream.read(4)) == (masked(head),)
        data = stream.read(struct.unpack("<Q", head)[0])
        assert struct.unpack("<I", stream.read(4)) == (masked(data),)
        found.append(event_pb2.Event.FromString(data))
    return found


def test_scalars_round_trip() -> None:
    rows = [
        Scalars(1_790_000_000.5, step, {"loss": 1 / step, "speed/tokens": 300.0 * step}) for step in (1, 200, 70_000)
    ]
    first, *others = events(event_file(rows))
    assert first.file_version == "brain.Event:2"
    assert [(event.step, event.wall_time) for event in others] == [(row.step, row.wall_time) for row in rows]
    for event, row in zip(others, rows, strict=True):
        read = {value.tag: value.simple_value for value in event.summary.value}
        assert read == pytest.approx(row.values)


def test_the_checksum_is_crc32c() -> None:
    assert crc32c([b"123456789", b""]) == [0xE3069283, 0]  # RFC 3720, appendix B.4's check value
