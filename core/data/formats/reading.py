"""The rows of a file as it was detected, and the choices a user has about how it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from core.data.formats.base import FORMATS, Detection, Format, ReadingChoice
from core.data.formats.parsing.batches import BATCH_ROWS, FilePiece, FilePlace, RowBatch, from_items
from core.data.formats.parsing.nested import reshape
from core.data.issues import data_error, reject
from core.data.reading_options import ReadingOption
from core.errors import NotFound
from core.messages import Finding, Reject, Row

WORTH_CUTTING = 4 << 20  # bytes: a smaller file is read before pyarrow is imported
_RESHAPED = ("text", "flatten")


def read(path: Path, detection: Detection) -> Iterator[Row | Reject]:
    """The rows of a file, streamed; a record that is not a row is a Reject.

    Raises:
        DataError: while iterating, if the file cannot be read any further.
    """
    items = _format_of(detection).read(path, detection)
    if detection.nested in _RESHAPED:
        items = reshape(items, detection.nested)
    return _cut_off(items) if _is_cut(detection) else items


def _is_cut(detection: Detection) -> bool:
    return any(item.code == "gzip_incomplete" for item in detection.findings)


def _cut_off(items: Iterable[Row | Reject]) -> Iterator[Row | Reject]:
    """The records of a damaged gzip file; the one at the damage becomes a Reject that says so."""
    for item in items:
        marked = isinstance(item, Reject) and item.raw.rstrip("\r\n")[-1:] in ("\0", "\udc00")
        if isinstance(item, Reject) and marked and item.findings[0].code in ("nul", "encoding"):
            raw = item.raw.rstrip("\r\n")[:-1]
            message = "The gzip file is damaged here: this row is cut off, and the rows after it are missing."
            yield reject("gzip_damaged", message, line=item.line, raw=raw, at=item.findings[0].line)
        else:
            yield item


def read_batches(
    path: Path, detection: Detection, size: int = BATCH_ROWS, place: FilePlace | None = None
) -> Iterator[RowBatch]:
    """The same rows and rejects as `read`, column by column and some thousands at a time.

    Args:
        size: about how many rows a batch has; fewer if they are wide or long.
        place: where to begin: the start or the end of one of `pieces`.

    Raises:
        DataError: while iterating, if the file cannot be read any further.
    """
    if _is_cut(detection) or detection.nested in _RESHAPED:
        return from_items(read(path, detection), size)
    if place is None and path.stat().st_size >= WORTH_CUTTING:
        return _by_pieces(path, detection, size)
    return _format_of(detection).read_batches(path, detection, size, place)


def _by_pieces(path: Path, detection: Detection, size: int) -> Iterator[RowBatch]:
    """The pieces as long as they are sound, because their bytes are read without making text of them; then the rest."""
    place = None
    for piece in pieces(path, detection):
        batches = piece.batches()
        place = piece.start if batches is None else piece.end
        if batches is None:
            break
        yield from batches
    yield from _format_of(detection).read_batches(path, detection, size, place)


def pieces(path: Path, detection: Detection) -> Iterator[FilePiece]:
    """The file in pieces that can be read apart, as far as it can be cut into such; the rest is for `read_batches`."""
    if detection.compression or detection.nested in _RESHAPED:
        return iter(())
    return _format_of(detection).pieces(path, detection)


def seams(path: Path, detection: Detection) -> tuple[Finding, ...]:
    """What shows that a file was joined of several; a search through all of it, which `detect_file` may leave out."""
    return _format_of(detection).seams(path, detection)


def choices(detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
    """What a user may choose about how a file is read, in the order to be shown.

    Args:
        detected: what detection says without any override.
        current: how the file is read now.
    """
    entry = _format_of(detected)  # any text may be read as another text format; a binary file is what it is
    known = [entry] if entry.is_binary else [item for item in FORMATS if not item.is_binary]
    kinds = [ReadingOption(item.id, item.label) for item in known]
    return (
        ReadingChoice.of("format", detected, current, kinds),
        *((ReadingChoice.of("encoding", detected, current),) if current.encoding else ()),
        *_format_of(current).choices(detected, current),
        *((ReadingChoice.of("nested", detected, current),) if current.nested else ()),
    )


def facts(detection: Detection) -> tuple[tuple[str, str], ...]:
    """How a file is read, as (title, value) for the screen; the first one is the format."""
    entry = _format_of(detection)
    read_as = " · ".join(part for part in (entry.label, detection.encoding, detection.compression) if part)
    return (("Read as", read_as), *entry.facts(detection))


def _format_of(detection: Detection) -> Format:
    try:
        return FORMATS.get(detection.format)
    except NotFound as error:
        raise data_error("format_unknown", error.message, error.remedy) from None
