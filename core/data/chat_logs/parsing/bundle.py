"""An upload: one file, or an archive of files, which are read one by one and never unpacked under their own names."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from core.data import formats
from core.data.chat_logs.parsing.nested_lists import NestedLists
from core.data.formats.parsing.compression import open_bytes
from core.data.formats.parsing.encoding import detect_encoding
from core.data.formats.parsing.text import Line, lines
from core.data.issues import data_error
from core.errors import DataError
from core.messages import Reject, Row
from core.platform import scratch
from core.text import too_large

MAX_UNPACKED: Final = 1 << 30  # bytes of all members together; an upload has at most 100 MB
MAX_MEMBERS: Final = 200_000
_CHUNK = 1 << 20
# What Python's zip reader and its decompressors raise for damaged archives.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError, ArithmeticError, struct.error,
)  # fmt: skip


class Bundle:
    """An upload as files with rows.

    Args:
        path: the upload on this machine.
        filename: the user's name for it.

    Raises:
        DataError: a damaged or encrypted archive, or one with too many files.
    """

    def __init__(self, path: Path, filename: str) -> None:
        self.path, self.filename = path, filename
        self.is_archive = zipfile.is_zipfile(path) and not _is_workbook(path)
        self._unpacked = 0
        self._members: dict[str, zipfile.ZipInfo] = {}
        if self.is_archive:
            self._list()

    @property
    def names(self) -> tuple[str, ...]:
        """The files inside, sorted; the name of the upload if it is one file."""
        return tuple(sorted(self._members)) if self.is_archive else (self.filename,)

    def rows(self, name: str, *, single: bool = False) -> Iterator[Row | Reject]:
        """The rows of one file.

        Args:
            single: the file is read as one JSON value, even if it contains arrays.

        Raises:
            DataError: the file cannot be read.
        """
        with self._at(name) as path:
            yield from _rows(path, name, single)

    def lines(self, name: str) -> Iterator[Line]:
        """The physical lines of a text file, in the encoding that its bytes show."""
        with self._at(name) as path:
            with open_bytes(path) as stream:
                sample = stream.read(_CHUNK)
            yield from lines(path, detect_encoding(sample).codec)

    def nested(
        self, name: str, places: Iterable[tuple[str, ...]], inner: str
    ) -> Iterator[tuple[dict[str, Any], Row | Reject]]:
        """The elements of the lists `inner` in the objects at each place of a JSON document, see NestedLists."""
        with self._at(name) as path:
            for outer in places:
                found = False
                for element in NestedLists(path).elements(outer, inner):
                    found = True
                    yield element
                if found and not outer:  # the document itself has the list: the other places are not in it
                    return

    @contextmanager
    def _at(self, name: str) -> Iterator[Path]:
        """The file on this machine; a member of an archive is unpacked for as long as it is used."""
        if not self.is_archive:
            yield self.path
            return
        with scratch.folder() as folder:
            member = folder / "member"
            self._unpack(name, member)
            yield member

    def first_rows(self, name: str, count: int = 5, *, single: bool = False) -> list[Row]:
        """The first readable rows; [] if there are none."""
        try:
            found = islice(self.rows(name, single=single), count * 4)
            return list(islice((row for row in found if isinstance(row, Row)), count))
        except DataError:
            return []

    def head(self, name: str, size: int = 65_536) -> bytes:
        """The first bytes of a file; b"" if they cannot be read."""
        if not self.is_archive:
            with self.path.open("rb") as stream:
                return stream.read(size)
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self._members[name]) as stream:
                return stream.read(size)
        except _DAMAGE:
            return b""

    def _list(self) -> None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = archive.infolist()
        except _DAMAGE as error:
            text = f"{self.filename} is a damaged archive: {error}."
            raise data_error("container", text, "Export or download it again.") from error
        if len(infos) > MAX_MEMBERS:
            text = f"{self.filename} has {len(infos):,} files; the limit is {MAX_MEMBERS:,}."
            raise data_error("container", text, "Export a shorter period, or fewer channels.")
        for info in infos:
            if info.flag_bits & 1:
                raise data_error("container", f"{self.filename} is encrypted.", "Unpack it and upload its content.")
            kind = stat.S_IFMT(info.external_attr >> 16)
            file = info.filename and not info.filename.endswith("/")  # is_dir() fails on a member without a name
            if file and kind in (0, stat.S_IFREG):  # a link contains only a path
                self._members[info.filename] = info

    def _unpack(self, name: str, target: Path) -> None:
        """Write a member's bytes to a file with a name of ours; the limit counts written bytes, not declared ones."""
        try:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(self._members[name]) as stream,
                target.open("wb") as out,
            ):
                while chunk := stream.read(_CHUNK):
                    self._unpacked += len(chunk)
                    if self._unpacked > MAX_UNPACKED:
                        text = too_large(f"Unpacked, {self.filename}", MAX_UNPACKED)
                        raise data_error("file_too_large", text, "Export a shorter period, or fewer channels.")
                    out.write(chunk)
        except _DAMAGE as error:
            raise data_error("container", f"{name} inside the archive is damaged.", "Export it again.") from error


def _is_workbook(path: Path) -> bool:
    """An XLSX file is an archive, too, but users see a table."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except _DAMAGE:
        return False


def _rows(path: Path, name: str, single: bool) -> Iterator[Row | Reject]:
    detection = formats.detect_file(path, name)
    if single and detection.format == "json" and detection.layout != "values":
        detection = replace(detection, layout="values", array_path=())
    yield from formats.read(path, detection)
