"""Read datasets: the list, versions, examples paged and searched, findings, statistics, rejects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import col, select

from core.data.versions import files, reader, rows
from core.data.versions.reader import LEFT_OUT, ExampleRecord, Page, Statistics
from core.messages import Example, Finding
from core.platform.db.tables import DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.data.datasets.records import (
    DatasetRecord,
    VersionRecord,
    dataset_record,
    first_version_id,
    get_version,
    provenance_file,
    set_codes,
    version_file,
    version_record,
)


def list_datasets(*, include_archived: bool = False) -> list[DatasetRecord]:
    """Every dataset, the newest first."""
    archived = () if include_archived else (col(FineTuningDataset.archived_at).is_(None),)
    query = (
        select(FineTuningDataset, DatasetVersion)
        .join(DatasetVersion, col(DatasetVersion.id) == col(FineTuningDataset.current_version_id))
        .where(col(FineTuningDataset.deleted_at).is_(None), *archived)
        .order_by(col(FineTuningDataset.created_at).desc())
    )
    with UnitOfWork(write=False) as uow:
        return [dataset_record(dataset, version) for dataset, version in uow.session.exec(query)]


def versions(dataset_id: str) -> list[VersionRecord]:
    """All versions of a dataset, the newest first."""
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
    with UnitOfWork(write=False) as uow:
        return [version_record(row) for row in uow.session.exec(query.order_by(col(DatasetVersion.number).desc()))]


def examples(
    version_id: str,
    offset: int = 0,
    limit: int = 20,
    search: str = "",
    split: str | None = None,
    *,
    flags: Sequence[str] = (),
    labels: Sequence[str] = (),
    min_tokens: int | None = None,
    max_tokens: int | None = None,
) -> Page:
    """One page of examples, optionally only those that meet conditions: a text they contain, the split they belong
    to, findings, last answers, estimated tokens. The operation `filter` takes the same conditions."""
    return reader.page(
        version_file(version_id, files.EXAMPLES), offset, limit, search, split,
        flags=flags, labels=labels, min_tokens=min_tokens, max_tokens=max_tokens,
    )  # fmt: skip


def examples_at(version_id: str, positions: Sequence[int]) -> list[ExampleRecord]:
    """The examples at these positions, in ascending order."""
    return reader.at(version_file(version_id, files.EXAMPLES), positions)


def provenance_at(version_id: str, positions: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """What is known of where the examples at these positions came from: who or what wrote each; others are left out."""
    path = provenance_file(get_version(version_id))
    return rows.provenance_at(path, positions) if path and positions else {}


def iter_examples(version_id: str, split: str | None = None) -> Iterator[Example]:
    """Every example in order, streamed."""
    return reader.iterate(version_file(version_id, files.EXAMPLES), split)


def findings(version_id: str, limit: int = 100, severity: str | None = None, offset: int = 0) -> list[Finding]:
    """The findings about what is in the version, errors first.

    Args:
        severity: only these; LEFT_OUT: those of the rows that were left out when the dataset was made.
    """
    of = first_version_id(version_id) if severity == LEFT_OUT else version_id
    return reader.findings(version_file(of, files.FINDINGS), limit, severity, offset, in_dataset=set_codes())


def finding_counts(version_id: str) -> dict[str, int]:
    """How many findings of each code are about what is in the version."""
    counted = reader.count_findings(version_file(version_id, files.FINDINGS), set_codes())
    return {code: count for (severity, code), count in counted.items() if severity != LEFT_OUT}


def findings_by_severity(version_id: str) -> dict[str, int]:
    """How many findings of each severity are about what is in the version; for tile, tab and list."""
    counted = reader.count_findings(version_file(version_id, files.FINDINGS), set_codes())
    severities = ("error", "warning", "info")
    return {severity: sum(count for (of, _), count in counted.items() if of == severity) for severity in severities}


def statistics(version_id: str) -> Statistics:
    """Lengths, turns and the balance of labels."""
    return reader.statistics(version_file(version_id, files.EXAMPLES))


def rejects(version_id: str) -> Iterator[bytes]:
    """The rows that were left out when the dataset was made, as JSONL, streamed: `line`, `raw` (verbatim) and
    `findings`; empty where there are none. A later version has those of the first."""
    return get_storage().blocks(f"{get_version(first_version_id(version_id)).path}/{files.REJECTS}")
