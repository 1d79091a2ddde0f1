"""How good a dataset version is: its report, the examples behind each issue, remedies, and pictures.

A report is computed after each new version (at once where the set is small, else as a background task), and kept beside
the version; it counts as missing once the checks have changed. It rests on the same findings as the validation: the
same codes for the same things, by the same rules.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.editing import Operation
from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.data.quality import store as issue_store
from core.data.quality.catalogue import ISSUES
from core.data.quality.checks import Measure, Settings
from core.data.quality.inspect import inspect
from core.data.quality.records import FORMAT, Action, DuplicateMap, IssueGroup, QualityReport, ScorePart
from core.data.quality.store import ISSUES as ISSUES_FILE, REPORT, IssuePage, IssueRow, IssueWriter
from core.data.versions import files, reader
from core.data.versions.reader import Bin, Label
from core.errors import Conflict, DataError, NotFound, StorageError
from core.messages import Example
from core.models import base_models
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import render
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, version_file
from core.services.data.datasets.writing import enqueue
from core.services.data.quality import remedies as quality_remedies
from core.services.data.quality.remedies import Version
from core.training.forecast.lengths import estimate_span

__all__ = [
    "INLINE_EXAMPLES",
    "Action",
    "DuplicateMap",
    "IssueGroup",
    "IssuePage",
    "IssueRow",
    "Pictures",
    "QualityReport",
    "ScorePart",
    "Snapshot",
    "after_new_version",
    "compute",
    "operation_for",
    "pictures",
    "report",
    "rows",
    "start",
]

log = logging.getLogger(__name__)
INLINE_EXAMPLES = 2_000  # inspected at once, in about two seconds; more as a background task


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version in figures, to be set beside another. `issues` counts examples by the title of the issue."""

    version_id: str
    number: int
    score: int
    examples: int
    parts: tuple[ScorePart, ...]
    issues: dict[str, int]
    histogram: list[Bin]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the quality screen draws. `before` is the version this one was made of, None for a first version or where
    the parent has no report."""

    length_histogram: list[Bin]
    labels: list[Label]
    duplicate_map: DuplicateMap
    after: Snapshot
    before: Snapshot | None


# ---- reading


def report(version_id: str) -> QualityReport | None:
    """The report of a version; None where there is none yet, or the checks have changed since."""
    version = get_version(version_id)
    try:
        found = json.loads(get_storage().read_bytes(f"{version.path}/{REPORT}"))
        return QualityReport.from_dict(found) if found.get("format") == FORMAT else None
    except (StorageError, ValueError, KeyError, TypeError, AttributeError):
        return None


def rows(version_id: str, code: str, offset: int = 0, limit: int = 20) -> IssuePage:
    """The examples that an issue concerns, a page of them.

    Raises:
        NotFound: the version has no report yet.
    """
    files = _files(version_id)
    return issue_store.page(files.issues, files.examples, code, offset, limit)


def operation_for(version_id: str, code: str, action_id: str, positions: Sequence[int] | None = None) -> Operation:
    """The operation that a remedy stands for, to be given to `dataset_edits.apply`.

    Args:
        positions: the examples it is meant for; None: all that the issue concerns.

    Raises:
        NotFound: no report, or no such remedy. DataError: there is nothing for it to do, or it is done by hand.
    """
    return quality_remedies.operation(_files(version_id), code, action_id, positions)


def pictures(version_id: str) -> Pictures:
    """Lengths, labels, the duplicate map, and the version before this one.

    Raises:
        NotFound: the version has no report yet.
    """
    version, found = get_version(version_id), report(version_id)
    if found is None:
        raise NotFound("The quality of this version was not measured yet.", "Measure it first.")
    figures = reader.statistics(version_file(version_id, files.EXAMPLES))
    after = _snapshot(version, found, figures.histogram)
    return Pictures(figures.histogram, figures.labels, found.duplicate_map, after, _before(version))


# ---- computing


def compute(
    version_id: str,
    *,
    max_seq_length: int = MAX_SEQ_LENGTH,
    base_model: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> QualityReport:
    """Inspect a version now, and keep the report beside it.

    Args:
        max_seq_length: tokens that training keeps of an example.
        base_model: whose tokenizer and chat template count the tokens exactly; None: estimates.
        progress: told the share done, 0 to 1; what it raises ends the work, and nothing is kept.

    Raises:
        NotFound: no such version or base model. DataError: the base model's files are not here, or a number is no
            length.
    """
    if max_seq_length < 1:
        raise DataError(f"The maximum length is {max_seq_length}.", "Choose at least 1.", field="max_seq_length")
    version = get_version(version_id)
    settings = Settings(max_seq_length, _measure(base_model) if base_model else None)
    examples = version_file(version_id, files.EXAMPLES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ISSUES_FILE
        out = IssueWriter(path)
        try:
            found = inspect(
                reader.iterate(examples),
                version.examples,
                out.add,
                version_id=version_id,
                settings=settings,
                progress=progress,
            )
        finally:
            out.close()
        measured = Version(examples, path)
        issues = tuple(_with_actions(measured, issue, version.examples) for issue in found.issues)
        title = base_models.resolve(base_model).title if base_model else ""
        found = replace(found, issues=issues, base_model=title, computed_at=time.time())
        _check_there(version_id)
        with path.open("rb") as local, get_storage().open_write(f"{version.path}/{ISSUES_FILE}") as target:
            shutil.copyfileobj(local, target)
    content = json.dumps(found.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace")
    get_storage().write_bytes(f"{version.path}/{REPORT}", content)
    return found


def start(dataset_id: str, *, max_seq_length: int = MAX_SEQ_LENGTH, base_model: str | None = None) -> TaskRecord:
    """Inspect the newest version as a background task; one that waits or runs already for it is returned.

    Raises:
        NotFound: no such dataset or base model.
    """
    dataset = get_dataset(dataset_id)
    if base_model:
        base_models.resolve(base_model)
    payload = {
        "dataset_id": dataset.id,
        "version_id": dataset.version.id,
        "max_seq_length": max_seq_length,
        "base_model": base_model,
    }
    for task in store.find(kind="quality", states=("pending", "validating", "running")):
        if task.payload == payload:
            return task
    return enqueue("quality", f"Measure the quality of “{dataset.name}”", payload, None)


def after_new_version(dataset_id: str, *, now: bool = True) -> None:
    """See to it that the newest version has a report: at once where it is small, else as a background task.

    Called after a version was published; `now` false leaves a small one to the screen that asks for it, so that a
    person who edits does not wait. What goes wrong here is logged and never undoes the version: the report can
    be asked for again on the quality screen.
    """
    try:
        version = get_dataset(dataset_id).version
        if report(version.id) is not None:
            return
        if version.examples <= INLINE_EXAMPLES:
            if now:
                compute(version.id)
        else:
            start(dataset_id)
    except (NotFound, Conflict):
        log.info("The dataset %s went away before its quality was measured.", dataset_id)
    except Exception:
        log.exception("The quality of the newest version of %s could not be measured.", dataset_id)


# ---- the parts


def _files(version_id: str) -> Version:
    if report(version_id) is None:
        raise NotFound("The quality of this version was not measured yet.", "Measure it first.")
    return Version(version_file(version_id, files.EXAMPLES), version_file(version_id, ISSUES_FILE))


def _check_there(version_id: str) -> None:
    """Raise NotFound where the dataset was deleted meanwhile: its folder must not appear again."""
    version_file(version_id, files.EXAMPLES)


def _with_actions(files: Version, issue: IssueGroup, total: int) -> IssueGroup:
    """The issue with remedies that say how many examples they change; those with nothing to do are left out, and so is
    a drop that would leave no example."""
    offered = []
    for remedy in ISSUES[issue.code].actions:
        count = quality_remedies.changes(files, issue.code, remedy) if remedy.one_click else issue.count
        if count and not (remedy.operation == "drop" and count >= total):
            words = {
                "{n}": f"{count:,}",
                "{s}": "" if count == 1 else "s",
                "cop{y}": "copy" if count == 1 else "copies",
            }
            title = remedy.title
            for place, word in words.items():
                title = title.replace(place, word)
            offered.append(Action(remedy.id, title, remedy.text, remedy.one_click))
    return replace(issue, actions=tuple(offered))


def _measure(base_model: str) -> Measure:
    base = base_models.resolve(base_model)
    if base.path is None or not base.ready:
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    tokenizer = load_tokenizer(base.path, base.revision)

    def measure(example: Example) -> tuple[int, int]:
        try:
            rendered = render(example.messages, tokenizer)
        except DataError:  # a template that refuses this conversation: the job says so; here it only has to be counted
            return estimate_span(example.messages)
        length = len(rendered.input_ids)
        return length, rendered.assistant_mask.index(1) if 1 in rendered.assistant_mask else length

    return measure


def _before(version: VersionRecord) -> Snapshot | None:
    for parent_id in version.parents[:1]:
        try:
            parent = get_version(parent_id)
            found = report(parent_id)
            if parent.dataset_id == version.dataset_id and found is not None:
                figures = reader.statistics(version_file(parent_id, files.EXAMPLES))
                return _snapshot(parent, found, figures.histogram)
        except (NotFound, StorageError):
            return None
    return None


def _snapshot(version: VersionRecord, found: QualityReport, histogram: list[Bin]) -> Snapshot:
    counts = {issue.title: issue.count for issue in found.issues if issue.count}
    return Snapshot(version.id, version.number, found.score, found.examples, found.parts, counts, histogram)
