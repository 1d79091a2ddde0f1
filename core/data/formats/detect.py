"""How a file is read: decided by its content, and by the suffix of its name only where that is unclear."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from io import SEEK_CUR
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from core.data.formats.base import FORMATS, HEAD_BYTES, Detection, Format, Head
from core.data.formats.parsing.compression import DAMAGE, check, is_gzip, open_bytes
from core.data.formats.parsing.containers import refuse_containers, refuse_noise
from core.data.formats.parsing.encoding import Encoding, checked_codec, decode_head, detect_encoding
from core.data.formats.parsing.nested import nested_fields
from core.data.issues import data_error, finding
from core.data.reading_options import Reading
from core.errors import DataError, NotFound

_SAMPLE_BYTES = 4 << 20  # the parts with bytes above 127 from which the encoding is inferred
_STRETCH, _PIECE = 1 << 20, 1 << 16  # bytes; one piece of each stretch of the file, around its first byte above 127


def detect_file(
    path: Path, filename: str = "", overrides: Reading | Mapping[str, Any] | None = None, *, seams: bool = True
) -> Detection:
    """How to read a file.

    Args:
        filename: the user's name for it; only its suffix counts, and only where the content is unclear.
        overrides: what the user chose, by the names of `Reading`; what is missing or None is detected.
        seams: False leaves out the search for joined files (`Format.seams`), for those who read all of it anyway.

    Raises:
        DataError: the file is missing, empty, a container, or cannot be read.
    """
    name = filename or path.name
    chosen = Reading.of(overrides)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could block, and can be read only once
            raise data_error("file_missing", f"{filename or path} is not a file.", "Save it as a file first.")
        packed = is_gzip(path)
        size, fault = check(path) if packed else (0, "")
        if fault and size <= len(DAMAGE):
            raise data_error("gzip_damaged", f"The gzip file cannot be unpacked: {fault}.")
        with open_bytes(path) as stream:
            head = stream.read(HEAD_BYTES)
            complete = len(head) < HEAD_BYTES or not stream.read(1)
        sample = head if complete else _sample(path, head)
    except OSError as error:
        raise data_error("file_missing", f"{filename or path} cannot be opened: {error.strerror}.") from error
    inner = name[:-3] if packed and name.lower().endswith(".gz") else name
    if packed and fault:
        head, sample = head.removesuffix(DAMAGE), sample.removesuffix(DAMAGE)
    detection = _detect(head, inner, chosen, complete=complete, sample=sample)
    if packed:
        detection = _packed(detection, name, fault)
    entry = FORMATS.get(detection.format)
    detection = entry.inspect(path, detection, chosen)
    if seams:
        detection = detection.with_notes(findings=entry.seams(path, detection))
    return _with_nested(path, detection, chosen)


def _packed(detection: Detection, name: str, fault: str) -> Detection:
    """The detection of a gzip file's content, with a note that it is packed."""
    entry = FORMATS.get(detection.format)
    if entry.is_binary:
        raise data_error("container", f"The file is {entry.label} packed with gzip.", "Unpack it first.")
    detection = replace(detection, compression="gzip").with_notes("Compressed with gzip; decompressed while reading.")
    if fault:
        message = f"The gzip file is damaged: {fault}. Rows may be missing after the last one."
        detection = detection.with_notes(findings=[finding("gzip_incomplete", message)])
    if not name.lower().endswith((".gz", ".gzip")):
        text = "The file is packed with gzip although its name does not say so; it was unpacked."
        detection = detection.with_notes(text, findings=[finding("suffix_mismatch", text)])
    return detection


def _with_nested(path: Path, detection: Detection, chosen: Reading) -> Detection:
    """Add a note on the columns with objects or lists and how they are read."""
    entry = FORMATS.get(detection.format)
    if not entry.can_nest:
        return detection
    try:
        names = nested_fields(entry.read(path, detection))
    except DataError:
        return detection  # raised again when the rows are read
    if not names:
        return detection
    way = chosen.nested or "keep"
    listed = ", ".join(repr(name) for name in names[:8])
    change = {"keep": "used as they are", "text": "written as JSON text", "flatten": "spread over columns"}[way]
    return replace(detection, nested=way).with_notes(f"Objects or lists in {listed}: {change}.")


def _detect(head: bytes, filename: str, chosen: Reading, *, complete: bool, sample: bytes) -> Detection:
    """How to read a file that begins with `head` (and is no longer if `complete`); `sample` shows its encoding."""
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    refuse_containers(head)
    looked = _head(head, sample, suffix, complete, chosen)
    if not looked.is_binary and not chosen.encoding:
        refuse_noise(head, looked.encoding)
    if not looked.text.strip() and not looked.is_binary:
        raise data_error("empty_file", f"{filename or 'The file'} is empty.")
    entry = _chosen_format(chosen) or max(FORMATS, key=lambda item: item.sniff(looked))
    detection = entry.detect(looked, chosen)
    if detection.encoding is not None:
        encoding = _encoding(sample, entry.unicode_only, chosen)
        detection = detection.with_notes(*encoding.notes, findings=encoding.findings)
    named = [item for item in FORMATS if suffix in item.suffixes]
    if named and entry not in named and chosen.format is None:
        text = f"The file is named {suffix}, but its content is {entry.label}; it was read as {entry.label}."
        detection = detection.with_notes(text, findings=[finding("suffix_mismatch", text)])
    return detection


def _head(raw: bytes, sample: bytes, suffix: str, complete: bool, chosen: Reading) -> Head:
    if any(entry.has_magic(raw) for entry in FORMATS):
        return Head(raw, "", "", suffix, complete)
    start = raw[:4096].lstrip(b" \t\r\n\xef\xbb\xbf")[:1]
    unicode_only = start in (b"{", b"[") or any(entry.unicode_only and suffix in entry.suffixes for entry in FORMATS)
    codec = _encoding(sample, unicode_only, chosen).codec
    return Head(raw, decode_head(raw, codec), codec, suffix, complete)


def _encoding(sample: bytes, unicode_only: bool, chosen: Reading) -> Encoding:
    if chosen.encoding:
        codec = checked_codec(chosen.encoding, sample)
        return Encoding(codec, (f"Encoding {codec}, as chosen.",))
    return detect_encoding(sample, unicode_only=unicode_only)


def _chosen_format(chosen: Reading) -> Format | None:
    if not chosen.format:
        return None
    try:
        return FORMATS.get(chosen.format)
    except NotFound as error:
        raise data_error("format_unknown", error.message, error.remedy) from None


def _sample(path: Path, head: bytes) -> bytes:
    """The head, and pieces of the rest with bytes above 127: the encoding may be visible only there."""
    pieces, size = [head], len(head)
    with open_bytes(path) as stream:
        stream.read(len(head))
        while size < _SAMPLE_BYTES and (chunk := _until_high(stream)):
            if not chunk.isascii():
                first = _first_high(chunk)
                start = max(chunk.rfind(b"\n", 0, first) + 1, first - 200)
                end = chunk.rfind(b"\n", start, start + _PIECE)
                piece = chunk[start : end + 1 if end > first else start + 4096]
                pieces.append(b"\n" + piece)
                size += len(piece)
            rest = _STRETCH - len(chunk)
            if stream.seekable():
                stream.seek(rest, SEEK_CUR)
            else:  # unpacked bytes cannot be skipped
                stream.read(rest)
    return b"".join(pieces)


def _until_high(stream: BinaryIO) -> bytes:
    """The next stretch of the file, or only a piece of it around its first byte above 127."""
    read = stream.read(_PIECE)
    return read + stream.read(_STRETCH - _PIECE if read.isascii() else 2 * _PIECE)


def _first_high(data: bytes) -> int:
    """Where the first byte above 127 is; there is one. By halves: `isascii` is 50 times as fast as a pattern."""
    start, end = 0, len(data)
    while end - start > 1:
        middle = (start + end) // 2
        if data[start:middle].isascii():
            start = middle
        else:
            end = middle
    return start
