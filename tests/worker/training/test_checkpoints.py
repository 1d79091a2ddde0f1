"""Checkpoints are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StorageError
from worker.training import checkpoints


def fill(directory: Path) -> None:
    (directory / "weights.bin").write_bytes(b"weights" * 100)
    (directory / "more").mkdir()
    (directory / "more" / "state.json").write_text("{}")


def test_the_newest_that_verifies_is_found(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "nowhere") is None
    first = checkpoints.save(tmp_path, 4, fill)
    second = checkpoints.save(tmp_path, 12, fill)
    assert checkpoints.newest(tmp_path) == second
    assert (checkpoints.step_of(first), checkpoints.step_of(second)) == (4, 12)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "weights.bin").write_bytes(b"weightz" * 100),
        lambda path: (path / "weights.bin").unlink(),
        lambda path: (path / checkpoints.MANIFEST).unlink(),
        lambda path: (path / checkpoints.MANIFEST).write_text("{"),
        lambda path: (path / checkpoints.MANIFEST).write_text('{"files": {}}'),
        lambda path: (path / checkpoints.MANIFEST).write_text("[]"),
    ],
    ids=["changed", "missing", "no manifest", "half a manifest", "empty manifest", "another manifest"],
)
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage: object) -> None:
    first = checkpoints.save(tmp_path, 1, fill)
    damage(checkpoints.save(tmp_path, 2, fill))  # type: ignore[operator]
    assert checkpoints.newest(tmp_path) == first


def test_a_write_that_dies_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def die(directory: Path) -> None:
        fill(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(tmp_path, 3, die)
    assert checkpoints.newest(tmp_path) is None
    checkpoints.save(tmp_path, 4, fill)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]  # and the left-over is swept away


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        checkpoints.save(tmp_path, step, fill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000015"]


def test_a_step_that_is_saved_again_is_replaced(tmp_path: Path) -> None:
    checkpoints.save(tmp_path, 5, fill)
    again = checkpoints.save(tmp_path, 5, lambda directory: (directory / "other").write_text("x") and None)
    assert sorted(path.name for path in again.iterdir()) == [checkpoints.MANIFEST, "other"]
    assert checkpoints.verify(again)


def test_a_disk_that_cannot_be_written_is_named_and_the_last_good_one_stays(tmp_path: Path) -> None:
    good = checkpoints.save(tmp_path, 1, fill)

    def full(directory: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left on device"):
        checkpoints.save(tmp_path, 2, full)
    assert checkpoints.newest(tmp_path) == good
    assert [path.name for path in tmp_path.iterdir()] == [good.name]
