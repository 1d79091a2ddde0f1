"""Check a dataset version again by the current rules, as a background task."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

from core.data.examples.sets import ExampleSet
from core.data.quality import set_rules, structure
from core.data.versions import files, reader
from core.messages import Finding
from core.platform import scratch
from core.platform.db.tables import DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets import failing
from core.services.data.datasets.records import get_dataset, get_version, set_codes, version_file
from core.services.data.datasets.writing import enqueue


def validate(id_or_name: str) -> TaskRecord:
    """Check the newest version again, as a background task; one that already waits or runs is returned."""
    dataset = get_dataset(id_or_name)
    for task in store.find(kind="validation", states=("pending", "validating", "running")):
        if task.payload.get("dataset_id") == dataset.id:
            return task
    payload = {"dataset_id": dataset.id, "version_id": dataset.version.id}
    return enqueue("validation", f"Validate “{dataset.name}”", payload, None)


def recheck(
    dataset_id: str, version_id: str, progress: Callable[[float], None]
) -> tuple[Callable[[UnitOfWork], None], dict[str, Any]]:
    """Run every check over a version; returns the function that records the outcome, and the counts.

    Findings about rejected rows belong to the conversion and remain; those about examples and about the set are
    computed again.

    Args:
        progress: receives the share done, 0 to 1.
    """
    version = get_version(version_id)
    seen, findings = ExampleSet(), _of_rejects(version_id)
    for index, example in enumerate(reader.iterate(version_file(version_id, files.EXAMPLES))):
        findings.extend(structure.check(example))
        seen.feed(example)
        if index % 200 == 0:
            progress(index / max(version.examples, 1))
    about_set = set_rules.check_set(seen)
    findings.extend(about_set)
    with scratch.folder() as folder:
        path = folder / files.FINDINGS
        files.write_findings(path, findings)
        with path.open("rb") as local, get_storage().open_write(f"{version.path}/{files.FINDINGS}") as target:
            shutil.copyfileobj(local, target)
    counts = {
        severity: sum(item.severity == severity for item in findings) for severity in ("error", "warning", "info")
    }
    state = "failed" if any(item.severity == "error" for item in about_set) else "validated"

    def record(uow: UnitOfWork) -> None:
        dataset = uow.session.get(FineTuningDataset, dataset_id, with_for_update=True)
        row = uow.session.get(DatasetVersion, version_id)
        if dataset is not None and row is not None:
            if dataset.current_version_id == version_id:  # an edit may have made a newer one with its own state
                dataset.state, dataset.updated_at = state, time.time()
            row.manifest = {**row.manifest, "rules": set_rules.VERSION, "findings": counts}
            uow.session.add(dataset)
            uow.session.add(row)
            uow.session.flush()
            failing.notice(uow, dataset)

    return record, {"state": state, "findings": counts}


def _of_rejects(version_id: str) -> list[Finding]:
    """The errors of rejected rows, which only the conversion could find."""
    path = version_file(version_id, files.FINDINGS)
    of_sets = set_codes()
    return [item for item in reader.findings(path, limit=1_000_000, severity="error") if item.code not in of_sets]
