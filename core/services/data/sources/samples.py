"""The sample files that ship with the studio."""

from __future__ import annotations

from core.data.samples.tables import SAMPLE_CHATS, SAMPLE_FILES, SampleFile, open_sample
from core.services.data import sources
from core.services.data.sources import SourceRecord


def tables() -> tuple[SampleFile, ...]:
    """The sample tables for Convert data."""
    return SAMPLE_FILES


def ingest_table(filename: str) -> SourceRecord:
    """Store one of `tables` like an upload. Raises ValueError if it is not one of them."""
    with open_sample(filename) as stream:
        return sources.ingest(stream, filename)


def ingest_chats() -> SourceRecord:
    """Store the sample file of labeled examples like an upload."""
    return ingest_table(SAMPLE_CHATS)
