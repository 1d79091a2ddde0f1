"""A look by meaning as a task: stored beside its version, missing for another version, and one at a time."""

from __future__ import annotations

from pathlib import Path

from core.data.editing import DropRows
from core.data.samples import load_sample
from core.platform.storage import get_storage
from core.services.data import datasets, meaning
from core.services.data.datasets import edits
from worker.run import execute


def test_the_task_stores_a_report_for_its_version_alone(studio_env: Path) -> None:
    dataset = datasets.create_dataset("Garden", load_sample().train, load_sample().validation)
    task = meaning.start(dataset.id)
    assert meaning.start(dataset.id).id == task.id, "one at a time"
    assert meaning.report(dataset.version.id) is None
    execute(task.id, "test")
    found = meaning.report(dataset.version.id)
    assert found is not None
    assert found.examples == found.compared == dataset.version.examples
    assert found.topics
    changed = edits.apply(dataset.id, DropRows(positions=(0,)), base_version_id=dataset.version.id)
    assert changed.version is not None
    assert meaning.report(changed.version.id) is None


def test_a_broken_report_counts_as_missing(studio_env: Path) -> None:
    dataset = datasets.create_dataset("Garden", load_sample().train)
    meaning.compute(dataset.version.id)
    get_storage().write_bytes(f"{dataset.version.path}/{meaning.FILE}", b'{"format": 1}')
    assert meaning.report(dataset.version.id) is None
