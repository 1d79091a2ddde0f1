"""Bytes -> rows that know their line. A file's content decides how it is read; its name only where content cannot.

    detection = detect_file(path, filename)      # how the file is read; shown to the user, who may change it
    for item in read(path, detection): ...       # Row | Reject, streamed, in the order of the file

A new format is one file with a class (see base.Format) and one line below.
"""

from __future__ import annotations

from core.data.formats.base import FORMATS, Detection, Format, ReadingChoice, label_of, labels
from core.data.formats.csv import CsvFormat
from core.data.formats.detect import detect_file
from core.data.formats.json import JsonFormat
from core.data.formats.jsonl import JsonlFormat
from core.data.formats.parquet import ParquetFormat
from core.data.formats.parsing.batches import FilePiece, FilePlace, RowBatch
from core.data.formats.passages import PassagesFormat
from core.data.formats.reading import choices, facts, pieces, read, read_batches, seams
from core.data.formats.xlsx import XlsxFormat
from core.data.reading_options import READING, Reading, ReadingOption

FORMATS.add(CsvFormat())
FORMATS.add(JsonFormat())
FORMATS.add(JsonlFormat())
FORMATS.add(ParquetFormat())
FORMATS.add(PassagesFormat())
FORMATS.add(XlsxFormat())
