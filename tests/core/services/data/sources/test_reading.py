"""The choices about how an upload is read, their preview, and storing them."""

from __future__ import annotations

import io

import pytest

from core.errors import DataError
from core.messages import Row
from core.services.data import sources

pytestmark = pytest.mark.usefixtures("studio_env")


def test_a_preview_changes_nothing_and_set_detection_does() -> None:
    record = sources.ingest(io.BytesIO(b"id;text\n1;a,b\n2;c,d\n3;e\x80,f;g\n"), "a.csv")
    shown = sources.preview_rows(record.id, {"delimiter": ",", "header": False})
    assert shown.detection.delimiter == ","
    assert sources.get(record.id) == record
    plain = sources.preview_rows(record.id, {}, limit=1)
    assert (plain.rows, plain.rejects) == ([Row(2, {"id": "1", "text": "a,b"})], [])
    kept = sources.set_detection(record.id, {"header": False})
    assert kept.detection.header is False
    with pytest.raises(DataError):
        sources.preview_rows(record.id, {"delimiter": "::"})


def test_choices_have_the_detected_and_the_current_value() -> None:
    record = sources.ingest(io.BytesIO(b"a|b\nx|y\nz|w\n"), "a.csv")
    sources.set_detection(record.id, {"delimiter": ";", "encoding": "latin-1"})
    found = sources.choices(record.id)
    delimiter = next(choice for choice in found if choice.id == "delimiter")
    assert (delimiter.detected, delimiter.current, delimiter.is_changed) == ("|", ";", True)
    assert [choice.id for choice in found] == [
        "format", "encoding", "delimiter", "quotechar", "header", "skip_lines", "escape", "comment", "short_rows",
        "long_rows", "names",
    ]  # fmt: skip
    for choice in found:
        if choice.options:
            assert {choice.detected, choice.current} <= {option.value for option in choice.options}, choice.id
    assert found[0].current == "csv"
