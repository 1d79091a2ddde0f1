"""An export that fails or is killed leaves copies of the data in the folder for temporary files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StorageError
from core.platform import scratch
from core.services.data import datasets, exports
from tests.support.versions import pair

EXPORT = """
import sys
from core.services.data import exports
blocks = exports.export(sys.argv[1], "parquet")
next(blocks)
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def version_id(studio_env: Path) -> str:
    return datasets.create_dataset("Secrets", [pair(f"Q{n}", "A") for n in range(50)]).version.id


def test_a_killed_export_is_removed_by_the_next(temporary: Path, version_id: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", EXPORT, version_id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert [path.name for path in left(temporary) if path.suffix == ".parquet"] == ["examples.parquet"]
    b"".join(exports.export(version_id, "parquet"))  # another one, while it runs: its folder is in use
    assert len([path for path in left(temporary) if path.suffix == ".parquet"]) == 1
    process.send_signal(signal.SIGKILL)
    process.wait()
    b"".join(exports.export(version_id, "parquet"))
    assert left(temporary) == []


def test_an_export_that_fails_or_is_not_read_to_its_end_leaves_nothing(
    temporary: Path, version_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: Iterator[bytes] = exports.export(version_id, "parquet")
    next(blocks)
    del blocks  # the browser is gone
    assert left(temporary) == []
    monkeypatch.setattr("core.data.examples.parquet.ParquetRows.close", lambda self: os.close(1 << 20))
    with pytest.raises(OSError, match="Bad file"):
        b"".join(exports.export(version_id, "parquet"))
    assert left(temporary) == []


def test_a_place_prepared_by_another_user_is_refused(temporary: Path, tmp_path: Path) -> None:
    with scratch.folder() as folder:
        root = folder.parents[1]
        assert (root.stat().st_mode & 0o777) == 0o700
    root.rmdir()
    root.symlink_to(tmp_path)
    with pytest.raises(StorageError, match="other users"), scratch.folder():
        pass
