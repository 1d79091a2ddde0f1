"""Checkpoints are complete or do not exist."""

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
def test_a_damaged_checkpoint_is_skipped(tmp_path: Path, damage: object) -> None:
    first = checkpoints.save(tmp_path, 1, fill)
    damage(checkpoints.save(tmp_path, 2, fill))  # type: ignore[operator]
    assert checkpoints.newest(tmp_path) == first


def test_an_interrupted_write_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def die(directory: Path) -> None:
        fill(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(tmp_path, 3, die)
    assert checkpoints.newest(tmp_path) is None
    checkpoints.save(tmp_path, 4, fill)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]  # and the left-over is swept away


def test_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        checkpoints.save(tmp_path, step, fill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000015"]


def test_a_step_that_is_saved_again_is_replaced(tmp_path: Path) -> None:
    checkpoints.save(tmp_path, 5, fill)
    again = checkpoints.save(tmp_path, 5, lambda directory: (directory / "other").write_text("x") and None)
    assert sorted(path.name for path in again.iterdir()) == [checkpoints.MANIFEST, "other"]
    assert checkpoints.verify(again)


def test_a_disk_that_cannot_be_written_is_named_and_the_last_good_checkpoint_remains(tmp_path: Path) -> None:
    good = checkpoints.save(tmp_path, 1, fill)

    def full(directory: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left on device"):
        checkpoints.save(tmp_path, 2, full)
    assert checkpoints.newest(tmp_path) == good
    assert [path.name for path in tmp_path.iterdir()] == [good.name]


def test_a_disk_that_fills_up_while_writing_weights_is_named(tmp_path: Path) -> None:
    """safetensors raises its own error for it."""
    import torch
    from safetensors.torch import save_file

    from tests.support.disk import small_disk

    root = tmp_path / "checkpoints"

    def weights(directory: Path) -> None:
        save_file({"weights": torch.zeros(400_000)}, directory / "weights.safetensors")

    with small_disk(root, 1 << 20) as disk:
        good = checkpoints.save(root, 1, fill)
        with pytest.raises(StorageError, match=r"No space left|File too large") as caught:
            checkpoints.save(root, 2, weights)
        assert "last good checkpoint" in caught.value.remedy
        assert [path.name for path in root.iterdir()] == [good.name], "and nothing half-written is left"
        disk.free()
        assert checkpoints.newest(root) == good
        checkpoints.save(root, 2, weights)


def test_skipped_damaged_checkpoints_are_named(tmp_path: Path) -> None:
    good = checkpoints.save(tmp_path, 4, fill)
    (checkpoints.save(tmp_path, 8, fill) / "weights.bin").unlink()
    assert checkpoints.find(tmp_path) == (good, [8])


def test_protected_checkpoints_remain_beside_the_last_two(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        checkpoints.save(tmp_path, step, fill, protect={5})
    assert sorted(path.name[-2:] for path in tmp_path.iterdir()) == ["05", "15", "20"]
    found = checkpoints.of_step(tmp_path, 5)
    assert found is not None
    (found / "weights.bin").unlink()
    assert checkpoints.of_step(tmp_path, 5) is None


def test_checkpoints_after_a_divergence_are_removed(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        checkpoints.save(tmp_path, step, fill, keep=3)
    checkpoints.drop_after(tmp_path, 10)
    assert [checkpoints.step_of(path) for path in sorted(tmp_path.iterdir())] == [5, 10]


def test_a_file_that_cannot_be_synced_is_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(checkpoints, "_sync", refused)
    with pytest.raises(StorageError, match="Input/output error"):
        checkpoints.save(tmp_path, 1, fill)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_written_if_no_thread_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("worker.training.checkpoints.Thread.start", none_left)
    assert checkpoints.verify(checkpoints.save(tmp_path, 1, fill))
