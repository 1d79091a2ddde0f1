"""Gzip: text files are unpacked as they are read, up to a limit; a damaged one ends at the damage.

One NUL byte is inserted at the damage: so the cut record is rejected in every format, and is not taken for a
complete one.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from core.data.issues import data_error
from core.text import too_large

MAGIC = b"\x1f\x8b"
MAX_UNPACKED_BYTES = 1 << 30
DAMAGE = b"\0"
_CHUNK = 1 << 20


def is_gzip(path: Path) -> bool:
    """Whether the file begins like a gzip file."""
    with path.open("rb") as stream:
        return stream.read(2) == MAGIC


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if it is gzip."""
    stream = path.open("rb")
    try:
        packed = stream.read(2) == MAGIC
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    if not packed:
        return stream
    return cast(BinaryIO, io.BufferedReader(_Unpacked(stream), 1 << 16))


def check(path: Path) -> tuple[int, str]:
    """Unpack a gzip file once without storing it: its size, and the damage ("" if there is none).

    Raises:
        DataError: gzip_too_large.
    """
    with path.open("rb") as stream, _Unpacked(stream) as unpacked:
        while unpacked.read(_CHUNK):
            pass
        return unpacked.size, unpacked.fault


class _Unpacked(io.RawIOBase):
    """A gzip stream with a size limit, which ends at the first damage."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._packed = gzip.GzipFile(fileobj=stream, mode="rb")
        self.size = 0
        self.fault = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        if self.fault:
            return 0
        try:
            piece = self._packed.read1(len(target))
        except (EOFError, zlib.error, OSError) as error:
            self.fault = "it is cut off" if isinstance(error, EOFError) else "its content is damaged"
            piece = DAMAGE
        self.size += len(piece)
        if self.size > MAX_UNPACKED_BYTES:
            raise data_error("gzip_too_large", too_large("Unpacked, the file", MAX_UNPACKED_BYTES))
        target[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
            self._stream.close()
        super().close()
