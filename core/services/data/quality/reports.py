"""Read the quality report of a version, the examples behind each issue, and its pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.data.issues.duplicate_map import DuplicateMap
from core.data.quality import store as issue_store
from core.data.quality.affected import ReportFiles
from core.data.quality.records import FORMAT, QualityReport, ScorePart
from core.data.quality.store import ISSUES_FILE, REPORT_FILE, IssuePage
from core.data.versions import files as version_files
from core.data.versions.reader import Bin, Label
from core.errors import NotFound, StorageError
from core.platform.storage import get_storage
from core.services.data import token_counts
from core.services.data.datasets.records import VersionRecord, get_version, version_file


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version in figures, to be compared with another. `issues` counts examples by the title of the issue."""

    version_id: str
    number: int
    score: int
    examples: int
    parts: tuple[ScorePart, ...]
    issues: dict[str, int]
    histogram: list[Bin]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the quality screen draws.

    `before` is the version that this one was made from; None for a first version, or where that one has no report.
    `counted` says how the lengths were counted.
    """

    length_histogram: list[Bin]
    labels: list[Label]
    duplicate_map: DuplicateMap
    after: Snapshot
    before: Snapshot | None
    counted: str


def report(version_id: str) -> QualityReport | None:
    """The report of a version; None where there is none yet, or the checks have changed since."""
    version = get_version(version_id)
    try:
        stored = json.loads(get_storage().read_bytes(f"{version.path}/{REPORT_FILE}"))
        return QualityReport.from_dict(stored) if stored.get("format") == FORMAT else None
    except (StorageError, ValueError, KeyError, TypeError, AttributeError):
        return None


def rows(version_id: str, code: str, offset: int = 0, limit: int = 20) -> IssuePage:
    """One page of the examples that an issue affects.

    Raises:
        NotFound: the version has no report yet.
    """
    files = files_of(version_id)
    return issue_store.page(files.issues, files.examples, code, offset, limit)


def pictures(version_id: str) -> Pictures:
    """Lengths, labels, the duplicate map, and the version before this one.

    Raises:
        NotFound: the version has no report yet.
    """
    version, measured = get_version(version_id), _measured(version_id)
    figures = token_counts.statistics(version_id)
    after = _snapshot(version, measured, figures.histogram)
    before = _before(version)
    return Pictures(figures.histogram, figures.labels, measured.duplicate_map, after, before, figures.counted)


def files_of(version_id: str) -> ReportFiles:
    """The files of a version's report.

    Raises:
        NotFound: the version has no report yet.
    """
    _measured(version_id)
    return ReportFiles(version_file(version_id, version_files.EXAMPLES), version_file(version_id, ISSUES_FILE))


def _measured(version_id: str) -> QualityReport:
    found = report(version_id)
    if found is None:
        raise NotFound("The quality of this version has not been measured yet.", "Measure it first.")
    return found


def _before(version: VersionRecord) -> Snapshot | None:
    try:
        parent = get_version(next(iter(version.parents), ""))
        measured = report(parent.id)
        if parent.dataset_id == version.dataset_id and measured is not None:
            figures = token_counts.statistics(parent.id)
            return _snapshot(parent, measured, figures.histogram)
    except (NotFound, StorageError):
        pass
    return None


def _snapshot(version: VersionRecord, measured: QualityReport, histogram: list[Bin]) -> Snapshot:
    counts = {issue.title: issue.count for issue in measured.issues if issue.count}
    return Snapshot(version.id, version.number, measured.score, measured.examples, measured.parts, counts, histogram)
