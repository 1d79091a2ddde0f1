"""TensorBoard event files: scalars as TensorFlow `Event` messages in TFRecord frames, written without a library.

The two formats are small and fixed. The libraries that write them import torch (tensorboardX) or depend on a web server
and gRPC (tensorboard), too much for a download button.
Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensorflow/core/lib/io/record_writer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_VERSION: Final = b"brain.Event:2"
_POLYNOMIAL: Final = 0x82F63B78  # CRC-32C (Castagnoli), reflected


@dataclass(frozen=True, slots=True)
class Scalars:
    """Values measured at one step. `wall_time` is Unix seconds."""

    wall_time: float
    step: int
    values: Mapping[str, float]


def event_file(rows: Iterable[Scalars]) -> bytes:
    """A complete event file."""
    rows = list(rows)
    first = rows[0].wall_time if rows else 0.0
    messages = [_double(1, first) + _bytes(3, _VERSION), *(_event(row) for row in rows)]
    lengths = [struct.pack("<Q", len(message)) for message in messages]
    sums = zip(_checksums(lengths), _checksums(messages), strict=True)
    frames = zip(lengths, messages, sums, strict=True)
    return b"".join(length + head + message + tail for length, message, (head, tail) in frames)


def _event(row: Scalars) -> bytes:
    """Event {wall_time = 1, step = 2, summary = 5 {value = 1 {tag = 1, simple_value = 2}}}."""
    summary = b"".join(
        _bytes(1, _bytes(1, tag.encode()) + _key(2, 5) + struct.pack("<f", value)) for tag, value in row.values.items()
    )
    return _double(1, row.wall_time) + _key(2, 0) + _varint(row.step) + _bytes(5, summary)


def _checksums(parts: Sequence[bytes]) -> list[bytes]:
    """The masked CRC-32C of each part, as a TFRecord stores it."""
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8 for crc in crc32c(parts))
    return [struct.pack("<I", value & 0xFFFFFFFF) for value in masked]


def crc32c(parts: Sequence[bytes]) -> list[int]:
    """CRC-32C of each part. Parts of equal length are computed together: a long run has 50,000 of them."""
    import numpy as np

    table = np.array([_entry(byte) for byte in range(256)], dtype=np.uint32)
    sums = [0] * len(parts)
    for length in {len(part) for part in parts}:
        places = [i for i, part in enumerate(parts) if len(part) == length]
        columns = np.frombuffer(b"".join(parts[i] for i in places), dtype=np.uint8).reshape(len(places), length).T
        crc = np.full(len(places), 0xFFFFFFFF, dtype=np.uint32)
        for column in columns:
            crc = table[(crc ^ column) & 0xFF] ^ (crc >> 8)
        for place, value in zip(places, (crc ^ 0xFFFFFFFF).tolist(), strict=True):
            sums[place] = value
    return sums


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value
