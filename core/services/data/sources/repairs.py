"""Unreadable rows, repaired by hand: the file is stored again with only those records replaced.

The original upload is unchanged; a repair creates a new one. All other lines keep their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import PurePath

from core.data import formats
from core.data.formats import FORMATS, READING
from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.parsing.text import line_ends, lines
from core.errors import DataError
from core.messages import Reject
from core.platform import scratch
from core.services.data import sources
from core.services.data.sources import SourceRecord

MAX_REPAIRS = 100
MAX_RAW = 5_000  # characters of a record that can be repaired by hand


def broken_rows(source_id: str, limit: int = MAX_REPAIRS) -> list[Reject]:
    """The first rows that could not be read; the file is read until `limit` are found."""
    return list(islice((row for row in sources.read(source_id) if isinstance(row, Reject)), limit))


def can_repair(source: SourceRecord) -> bool:
    """Whether each record of this file is on separate lines, so that one can be replaced."""
    found = source.detection
    return FORMATS.get(found.format).line_records and not found.compression


def repair(source_id: str, texts: Mapping[int, str]) -> SourceRecord:
    """Store the upload again with some of its unreadable records replaced, read the same way as before.

    Args:
        texts: line on which an unreadable record starts -> its new text, without line end; "" leaves the record out.

    Raises:
        DataError: nothing to replace, a line without an unreadable record, or a character that the file's encoding does
            not have (field: the line as text).
    """
    source = sources.get(source_id)
    if not can_repair(source):
        raise DataError("Rows of this format cannot be replaced individually.", "Fix the file and upload it again.")
    broken = {row.line: row for row in broken_rows(source_id)}
    replacements = {line: text for line, text in texts.items() if line not in broken or text != broken[line].raw}
    if not replacements:
        raise DataError("No row was changed.", "Change the text of at least one row.")
    for line in replacements:
        if line not in broken:
            raise DataError(f"There is no unreadable row on line {line}.", "Reload the list.", field=str(line))
    codec = source.encoding or "utf-8"
    name = PurePath(source.filename)
    with scratch.folder() as folder:
        target = folder / "repaired"
        with target.open("w", encoding=codec, errors="surrogateescape", newline="") as out:
            for number, text in _replaced(source_id, codec, replacements, broken):
                try:
                    out.write(text)
                except UnicodeEncodeError as error:
                    raise DataError(
                        f"{error.object[error.start]!r} cannot be written in {codec}, the encoding of the file.",
                        "Replace the character.",
                        field=str(number),
                    ) from None
        with target.open("rb") as stream:
            return sources.ingest(stream, f"{name.stem} (repaired){name.suffix}", overrides=way_of(source))


def ways_to_fit(source: SourceRecord, broken: Iterable[Reject]) -> list[tuple[str, dict[str, object]]]:
    """How rows of another width than the header can be read all the same, as (title, overrides)."""
    found = source.detection
    if found.format != "csv":
        return []
    dialect, width, names = Dialect.of(found), len(found.columns), set()
    for row in broken:
        if row.findings[0].code == "csv_ragged":
            cells: list[str] = next(iter(dialect.reader(row.raw.splitlines(keepends=True))), [])
            names.add("short_rows" if len(cells) < width else "long_rows")
    usual = (("short_rows", "fill"), ("long_rows", "join"))
    return [
        (f"{choice.title}: {option.title.lower()}", {**way_of(source), name: value})
        for name, value in usual
        if name in names and (option := (choice := READING[name]).option(value)) is not None
    ]


def way_of(source: SourceRecord) -> dict[str, object]:
    """The overrides that read another file the same way as this one."""
    found = source.detection
    return {choice.id: choice.current for choice in formats.choices(found, found) if choice.current is not None}


def _replaced(
    source_id: str, codec: str, replacements: Mapping[int, str], broken: Mapping[int, Reject]
) -> Iterator[tuple[int, str]]:
    """The file's lines with their ends, with the new text in place of replaced records."""
    skip = 0
    for line in lines(sources.local_path(source_id), codec):
        if skip:
            skip -= 1
            continue
        if line.number not in replacements:
            yield line.number, line.text
            continue
        skip = line_ends(broken[line.number].raw.rstrip("\r\n"))
        text = replacements[line.number].rstrip("\r\n")
        if text:
            yield line.number, text + _line_end(line.text)


def _line_end(text: str) -> str:
    """The line end of a physical line; LF if the last line has none."""
    return "\r\n" if text.endswith("\r\n") else "\r" if text.endswith("\r") else "\n"
