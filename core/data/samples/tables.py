"""Sample files for the screens, with the errors that real files have."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import BinaryIO, cast

SAMPLE_TABLE = "tools.csv"  # the garden tools of the sample's fictional shop
SAMPLE_CHATS = "support.jsonl"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sample file. `title` and `text` describe it on the screen; `icon` is a Material icon by its name."""

    filename: str
    title: str
    text: str
    icon: str


SAMPLE_FILES = (
    SampleFile(
        SAMPLE_TABLE, "A clean table",
        "24 garden tools of a fictional shop: names, materials, prices, descriptions.", "table",
    ),
    SampleFile(
        "helpdesk_export.csv", "A raw export",
        "Help desk tickets with lines above the header, semicolons, a legacy encoding and damaged rows.", "build",
    ),
    SampleFile(
        "shop_catalog.json", "Nested JSON",
        "A catalog with two lists, articles and questions: you choose which one has the rows.", "data_object",
    ),
)  # fmt: skip


def open_sample(filename: str) -> BinaryIO:
    """Open one of SAMPLE_FILES (or the sample chats) as an upload would be. Close it after use."""
    if filename not in {SAMPLE_CHATS, *(sample.filename for sample in SAMPLE_FILES)}:
        raise ValueError(f"unknown sample file: {filename!r}")
    return cast(BinaryIO, files("core.data.samples").joinpath(filename).open("rb"))
