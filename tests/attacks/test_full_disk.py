"""A full disk: work ends with the reason, and nothing half-written is published."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data.editing import Split
from core.data.versions.exports import EXPORTS
from core.errors import StorageError
from core.platform import disk
from core.platform.db.engine import get_engine
from core.services.data import chat_import, conversion, datasets, exports, sources
from core.services.data.chat_import import reading as chat_reading, review_list as chat_review
from core.services.data.datasets import edits
from core.services.platform import drafts, tasks
from core.services.training import jobs
from core.settings import get_settings
from tests.support.disk import SmallDisk, small_disk
from tests.support.jobs import launch, make_dataset
from worker.run import execute

ROW = "Tool {n},It is tool number {n}. " + "It cuts wood. " * 20 + "\n"


@pytest.fixture(params=[80, 400], ids="{} MB".format)
def small(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _migrated_sqlite: Path
) -> Iterator[SmallDisk]:
    """A studio whose data directory is a file system of 80 or 400 MB."""
    with small_disk(tmp_path / "disk", request.param << 20) as found:
        if not found.mounted:
            pytest.skip("a file system of its own can't be mounted here")
        folder = found.folder / "data"
        folder.mkdir()
        shutil.copy(_migrated_sqlite, folder / "studio.db")
        monkeypatch.setenv("SFT_DATA_DIR", str(folder))
        monkeypatch.setenv("TMPDIR", str(found.folder))
        monkeypatch.setattr("tempfile.tempdir", None)
        yield found
        get_engine().dispose()


def leave(room_mb: int) -> Path:
    """Fill the disk so that this many megabytes are free."""
    filler = get_settings().data_dir.parent / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb") as stream:
        for _ in range((disk.free_bytes() >> 20) - room_mb):
            stream.write(bytes(1 << 20))
    return filler


def table(megabytes: int) -> bytes:
    """A CSV file of about this size."""
    rows, size, n = ["name,what\n"], 0, 0
    while size < megabytes << 20:
        rows.append(ROW.format(n=n))
        size, n = size + len(rows[-1]), n + 1
    return "".join(rows).encode()


def begun(content: bytes) -> str:
    """A conversion of this table that waits for a worker; its task's id."""
    source = sources.ingest(io.BytesIO(content), "tools.csv")
    state = {"source_id": source.id, "name": "Tools", "template": "qa", "mapping": {"key": "name", "target": "what"}}
    return conversion.start(drafts.create("convert", state).id).id


def published() -> list[Path]:
    """Every file of a dataset in the data directory, and every working file."""
    folder = get_settings().data_dir
    return [path for part in ("datasets", "work") for path in (folder / part).rglob("*") if path.is_file()]


def ends_in_words(task_id: str, words: str) -> None:
    ended = execute(task_id, "test")
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "storage"), ended.error
    assert ended.error["message"].startswith(words)


def goes_on(task_id: str, small: SmallDisk) -> None:
    """After space was made, a retry succeeds."""
    small.free()
    tasks.request(task_id, "retry")
    again = execute(task_id, "test")
    assert again is not None
    assert again.state == "succeeded", again.error


def test_an_upload_is_refused_before_it_is_written(small: SmallDisk) -> None:
    leave(18)
    with pytest.raises(StorageError, match=r"^The disk is full: the file needs 2\d\.\d MB, and 1\d\.\d MB is free"):
        sources.ingest(io.BytesIO(bytes(6 << 20)), "tools.csv")
    assert not any((get_settings().data_dir / "sources").rglob("upload*"))


def test_a_conversion_is_refused_before_it_starts_and_goes_on_after_space_is_made(small: SmallDisk) -> None:
    task_id = begun(table(10))
    filler = leave(40)
    ends_in_words(task_id, "The disk is full: the conversion needs")
    assert published() == []
    filler.unlink()
    goes_on(task_id, small)


def test_a_disk_that_fills_during_a_conversion_ends_it_in_words(small: SmallDisk, monkeypatch) -> None:
    """Another program takes the space after the check."""
    task_id = begun(table(10))
    disk.hold_back()
    assert (get_settings().data_dir / ".space-held-back").stat().st_size > 0
    filler = leave(6)
    monkeypatch.setattr("worker.handlers.conversion.VERSION_BYTES_PER_BYTE", -10)
    ends_in_words(task_id, "The disk is full: ")
    assert published() == []
    filler.unlink()
    goes_on(task_id, small)


def test_an_edit_and_a_download_say_so(small: SmallDisk) -> None:
    task = execute(begun(table(4)), "test")
    assert task is not None
    dataset = datasets.get_dataset(task.result["dataset_id"])
    before = published()
    leave(10)
    with pytest.raises(StorageError, match="The disk is full: the change needs"):
        edits.apply(dataset.id, Split(kind="random", share=0.2), base_version_id=dataset.version.id, inline=True)
    with pytest.raises(StorageError, match="The disk is full: the download needs"):
        exports.export(dataset.version.id, "parquet")
    for format in set(EXPORTS.ids()) - {"parquet", "dpo"}:  # streamed: no room is needed; there are no pairs for DPO
        assert sum(len(block) for block in exports.export(dataset.version.id, format)) > 1000
    assert published() == before


def test_every_screen_says_that_the_disk_is_nearly_full(small: SmallDisk) -> None:
    from streamlit.testing.v1 import AppTest

    leave(30)
    app = AppTest.from_file(str(Path(__file__).parents[2] / "Home.py"), default_timeout=180).run()
    assert not app.exception
    assert [warning.value for warning in app.warning if "nearly full" in warning.value]


def test_an_import_of_conversations_is_refused_and_goes_on_after_space_is_made(small: SmallDisk) -> None:
    chats = [
        {"id": f"c{n}", "conversations": [{"from": "human", "value": f"{n}?"}, {"from": "gpt", "value": "Yes. " * 600}]}
        for n in range(1500)
    ]
    draft = chat_import.begin(chat_import.ingest(io.BytesIO(json.dumps(chats).encode()), "chats.json"))
    chosen = chat_import.choices(draft.state)
    found = chat_reading.summary(chosen.source_id, chosen.options)
    recipe = {**chat_review.suggested(chosen.source_id, found), "redact": False}
    task_id = chat_import.start(drafts.update(draft.id, None, {"recipe": recipe, "name": "Chats"}).id).id
    filler = leave(20)
    ends_in_words(task_id, "The disk is full: the import needs")
    assert not any("datasets" in path.parts for path in published())
    filler.unlink()
    goes_on(task_id, small)


def test_a_training_job_is_refused_before_it_is_launched(small: SmallDisk) -> None:
    dataset = make_dataset()
    filler = leave(2)
    with pytest.raises(StorageError, match=r"^The run writes up to .* but the data directory's disk has only .* left"):
        launch(dataset)
    assert jobs.list_jobs() == []
    filler.unlink()
    assert launch(dataset).state == "pending"
