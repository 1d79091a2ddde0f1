"""Files to try the screens with, as an upload would bring them: honest ones, with the faults that real files have."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import BinaryIO, cast

SAMPLE_TABLE = "tools.csv"  # the garden tools of the sample's invented shop
SAMPLE_CHATS = "support.jsonl"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file to try. `title` and `text` say what it holds and what it shows; `icon` is a Material name."""

    filename: str
    title: str
    text: str
    icon: str


SAMPLE_FILES = (
    SampleFile(
        SAMPLE_TABLE,
        "A clean table",
        "24 garden tools of an invented shop: names, materials, prices, descriptions.",
        "table",
    ),
    SampleFile(
        "helpdesk_export.csv",
        "An export as it comes",
        "A help desk's tickets with lines above the header, semicolons, an old encoding and broken rows.",
        "build",
    ),
    SampleFile(
        "shop_catalog.json",
        "Nested JSON",
        "A catalog with two lists inside, of articles and of questions: you choose which one holds the rows.",
        "data_object",
    ),
)


def open_sample(filename: str) -> BinaryIO:
    """The bytes of one of SAMPLE_FILES (or of the sample chats), as an upload would bring them. Close it after use."""
    if filename not in {SAMPLE_CHATS, *(sample.filename for sample in SAMPLE_FILES)}:
        raise ValueError(f"there is no sample file {filename!r}")
    return cast(BinaryIO, files("core.data.samples").joinpath(filename).open("rb"))
