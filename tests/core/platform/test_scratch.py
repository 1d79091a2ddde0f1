"""Temporary folders: removed at the end, and after a kill by whoever makes the next one; never in the making."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from core.platform import scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: str(tmp_path))
    return scratch.root()


def test_a_folder_exists_in_its_block_alone(place: Path) -> None:
    with scratch.folder() as inner, scratch.folder() as other:
        (inner / "a").write_text("x")
        assert inner != other
        assert (inner / "a").exists()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(place: Path) -> None:
    left = place / "left"
    (left / "files").mkdir(parents=True)
    (left / ".lock").touch()
    with scratch.folder():
        assert not left.exists()


def test_a_folder_in_the_making_is_not_taken_for_one_that_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one looks for such folders at the very moment before this one has its lock."""
    flock, looked = fcntl.flock, []

    def late(handle: object, flags: int) -> None:
        if not looked:
            looked.append(True)
            scratch._sweep(scratch.root())
        flock(handle, flags)  # type: ignore[arg-type]

    monkeypatch.setattr(scratch.fcntl, "flock", late)
    with scratch.folder() as inner:
        assert inner.is_dir()
    assert looked
