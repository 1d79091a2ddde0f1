"""A dataset version by meaning: computed on request in the background, stored beside the version."""

from __future__ import annotations

import json
from collections.abc import Callable

from core.data.meaning.look import look
from core.data.meaning.records import (
    FORMAT,
    AlikePair as AlikePair,
    MeaningReport as MeaningReport,
    TopicFound as TopicFound,
)
from core.data.versions import files as version_files, reader
from core.errors import StorageError
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import get_dataset, get_version, version_file
from core.services.data.datasets.writing import enqueue

KIND = "meaning"
FILE = "meaning.json"  # beside the version's other files


def start(dataset_id: str) -> TaskRecord:
    """Look at the newest version as a background task; one that already waits or runs is returned. Raises NotFound."""
    dataset = get_dataset(dataset_id)
    payload = {"dataset_id": dataset.id, "version_id": dataset.version.id}
    for task in store.find(kind=KIND, states=("pending", "running")):
        if task.payload == payload:
            return task
    return enqueue(KIND, f"Look at “{dataset.name}” by meaning", payload, None)


def compute(version_id: str, progress: Callable[[float], None] | None = None) -> MeaningReport:
    """Look at a version now, and store what was found beside it. Raises NotFound."""
    version = get_version(version_id)
    examples = reader.iterate(version_file(version_id, version_files.EXAMPLES))
    found = look(examples, version.examples, version_id, progress)
    version_file(version_id, version_files.EXAMPLES)  # NotFound where the dataset was deleted in the meantime
    content = json.dumps(found.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace")
    get_storage().write_bytes(f"{version.path}/{FILE}", content)
    return found


def report(version_id: str) -> MeaningReport | None:
    """What was found in a version; None where it was not looked at yet. Raises NotFound."""
    version = get_version(version_id)
    try:
        stored = json.loads(get_storage().read_bytes(f"{version.path}/{FILE}"))
        return MeaningReport.from_dict(stored) if stored.get("format") == FORMAT else None
    except (StorageError, ValueError, AttributeError):
        return None
