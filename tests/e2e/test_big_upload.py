"""The largest allowed upload through the browser, 104,857,600 bytes; one byte more is refused with a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.settings import MAX_UPLOAD_BYTES
from tests.e2e.harness import Studio, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def big_table(path: Path, size: int) -> Path:
    """A CSV of exactly that many bytes."""
    head, row = b"question,answer\n", b"Where is parcel 000?," + b"on its way " * 40 + b"\n"
    rows = (size - len(head)) // len(row)
    with path.open("wb") as file:
        file.write(head)
        for _ in range(rows - 1):
            file.write(row)
        rest = size - len(head) - len(row) * (rows - 1)
        file.write(b"Last?," + b"x" * (rest - 7) + b"\n")
    assert path.stat().st_size == size
    return path


def test_a_hundred_megabytes_are_accepted(studio: Studio, open_page, tmp_path: Path) -> None:
    page = open_page()
    page.set_default_timeout(480_000)
    visit(page, f"{studio.url}/upload")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        big_table(tmp_path / "big.csv", MAX_UPLOAD_BYTES)
    )
    page.locator(".st-key-known_shape").wait_for()


def test_one_byte_more_is_refused(studio: Studio, open_page, tmp_path: Path) -> None:
    page = open_page()
    visit(page, f"{studio.url}/upload")
    file = big_table(tmp_path / "too_big.csv", MAX_UPLOAD_BYTES + 1)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    page.get_by_text("is too large; the limit is 100 MB").wait_for()
