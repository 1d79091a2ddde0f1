"""Files to try the screens with, as an upload would bring them: a table for the wizard, and the sample's own chats."""

from __future__ import annotations

from importlib.resources import files
from typing import BinaryIO, cast

SAMPLE_TABLE = "tools.csv"  # the garden tools of the sample's invented shop
SAMPLE_CHATS = "support.jsonl"


def open_sample_table() -> BinaryIO:
    """The table's bytes (24 rows, 8 columns), as an upload would bring them. Close it after use."""
    return _open(SAMPLE_TABLE)


def open_sample_chats() -> BinaryIO:
    """The sample's labeled examples in the chat format, one a line. Close it after use."""
    return _open(SAMPLE_CHATS)


def _open(name: str) -> BinaryIO:
    return cast(BinaryIO, files("core.samples").joinpath(name).open("rb"))
