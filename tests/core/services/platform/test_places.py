"""How much of the disk the studio takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.platform.places import storage_use


def test_every_byte_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path))
    for name, size in (("files/sources/a/upload", 300), ("files/datasets/d/v1/examples.parquet", 50), ("odd", 7)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    use = storage_use()
    assert {place.name: place.size_bytes for place in use.places} == {"Uploads": 300, "Datasets": 50, "Other": 7}
    assert use.used_bytes == 357
    assert use.free_bytes > 0


def test_an_empty_data_directory_uses_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "new"))
    assert storage_use().places == ()
