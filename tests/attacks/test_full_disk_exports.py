"""A disk that fills while a model's files are written: the reason with sizes, no half file, and the rest goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import StorageError
from core.platform import disk
from core.platform.db.engine import get_engine
from core.platform.tasks.context import TaskContext
from core.services.platform import tasks
from core.services.serving import model_files, publishing
from core.services.training import merging, models
from core.serving.model_formats import places
from core.settings import get_settings
from tests.support import llama_cpp
from tests.support.disk import SmallDisk, small_disk
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter
from worker.run import execute

Fill = Callable[[str, float], None]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _migrated_sqlite: Path) -> Iterator[SmallDisk]:
    """A studio whose data directory is a file system of 64 MB; its database is elsewhere, so that each task fails where
    it writes files."""
    with small_disk(tmp_path / "disk", 64 << 20) as found:
        if not found.mounted:
            pytest.skip("a file system of its own can't be mounted here")
        folder = found.folder / "data"
        folder.mkdir()
        database = shutil.copy(_migrated_sqlite, tmp_path / "studio.db")
        monkeypatch.setenv("SFT_DATA_DIR", str(folder))
        monkeypatch.setenv("SFT_DATABASE_URL", f"sqlite:///{database}")
        yield found
        get_engine().dispose()


@pytest.fixture
def tuned(small: SmallDisk, tmp_path: Path) -> models.ModelRecord:
    base = llama_cpp.make_directory(tmp_path / "base")
    return succeed(launch(make_dataset(), f"local:{base}", name="Tuned"), make_adapter(base, tmp_path / "adapter"))


@pytest.fixture
def fills(monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Fills the disk once a task reports a phase and a percentage: another program takes the space after the check."""

    def at(phase: str, least: float) -> None:
        plain, filled = TaskContext.progress, []

        def progress(self: TaskContext, percent: float, name: str = "", message: str = "", **more: Any) -> None:
            plain(self, percent, name, message, **more)
            if name == phase and percent > least and not filled:
                filled.append(percent)
                fill()

        monkeypatch.setattr(TaskContext, "progress", progress)

    return at


def fill() -> None:
    filler = get_settings().data_dir.parent / "filler"
    with filler.open("wb", buffering=0) as stream:
        for block in (1 << 20, 4096):
            while disk.free_bytes() >= block:
                stream.write(bytes(block))


def left() -> list[str]:
    """The files of exports, downloads, merged models and unfinished work."""
    folder = get_settings().data_dir
    found = [path for part in ("cache", "work") for path in (folder / part).rglob("*") if path.is_file()]
    return [path.name for path in (*found, *(folder / "files").rglob("*merged*/*"))]


def fails(task_id: str, words: str) -> None:
    ended = execute(task_id, "test")
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "storage"), ended.error
    assert words in ended.error["message"]
    assert ended.error["remedy"].startswith("Free some space")
    assert left() == []


def goes_on(task_id: str) -> None:
    (get_settings().data_dir.parent / "filler").unlink()
    tasks.request(task_id, "retry")
    again = execute(task_id, "test")
    assert again is not None
    assert again.state == "succeeded", again.error


def test_an_export(tuned: models.ModelRecord, fills: Fill) -> None:
    execute(merging.begin(tuned.id).id, "test")
    merged = left()
    shutil.rmtree(get_settings().data_dir / "cache", ignore_errors=True)
    fills("Writing", 2)
    task = model_files.begin(tuned.id, "gguf-f16")
    ended = execute(task.id, "test")
    assert ended is not None
    assert "The disk is full: “Tuned” as Complete model (GGUF f16) needs" in ended.error["message"]
    assert "is free at" in ended.error["message"]
    assert left() == merged
    assert not places.export_directory(tuned.id, "gguf-f16").exists()
    assert tuned.id in [model.id for model in models.list_models()]  # the database answers, and so do other exports
    goes_on(task.id)
    assert model_files.download(tuned.id, "gguf-f16").size_bytes > 0


def test_a_merge(tuned: models.ModelRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.training import merge

    saved = merge.save_model
    monkeypatch.setattr(merge, "save_model", lambda *arguments: (fill(), saved(*arguments)))
    task = merging.begin(tuned.id)
    fails(task.id, "The disk is full: the merged model needs")
    assert models.get_model(tuned.id).merged is None
    monkeypatch.setattr(merge, "save_model", saved)
    goes_on(task.id)


def test_a_publication(tuned: models.ModelRecord, fills: Fill) -> None:
    fills("Writing", 30)  # the adapter is written, and the first of the base's tensors
    task = publishing.begin(tuned.id, "llama_cpp")
    ended = execute(task.id, "test")
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "storage")
    assert "The disk is full: the GGUF file of" in ended.error["message"]
    assert not any(".gguf" in name for name in left() if "adapter" not in name)
    assert publishing.published(tuned.id) == []


def test_an_archive(tuned: models.ModelRecord, fills: Fill) -> None:
    fills("Packing", 0)
    task = model_files.begin(tuned.id, "adapter-gguf")
    ended = execute(task.id, "test")
    assert ended is not None
    assert "The disk is full" in ended.error["message"]
    assert not any(name.endswith((".zip", ".part")) for name in left())
    with pytest.raises(StorageError, match="The disk is full"):
        model_files.download(tuned.id, "adapter")
    goes_on(task.id)
    assert model_files.download(tuned.id, "adapter").size_bytes > 0
