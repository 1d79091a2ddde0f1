"""Compute the quality report of a version, at once or as a background task."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Final

from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.data.issues.check import CheckSettings, Measure
from core.data.quality.affected import ReportFiles
from core.data.quality.inspect import inspect
from core.data.quality.records import QualityReport
from core.data.quality.score import RowsLeftOut
from core.data.quality.store import ISSUES_FILE, REPORT_FILE, IssueWriter
from core.data.versions import files as version_files, reader
from core.errors import Conflict, DataError, NotFound
from core.messages import Example
from core.models import base_models
from core.models.base_models.light_tokenizer import LightTokenizer, load_tokenizer
from core.models.render import ahead
from core.platform import scratch
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, is_small, version_file
from core.services.data.datasets.writing import enqueue
from core.services.data.quality.fixing import with_fixes
from core.services.data.quality.reports import report
from core.training.forecast.lengths import Span, measure_span

log = logging.getLogger(__name__)
INSPECTED_AT_ONCE: Final = 2_000  # inspected at once, in about two seconds; more as a background task


def compute(
    version_id: str,
    *,
    max_seq_length: int = MAX_SEQ_LENGTH,
    base_model: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> QualityReport:
    """Inspect a version now, and store the report beside it.

    Args:
        max_seq_length: tokens that training keeps of an example.
        base_model: whose tokenizer and chat template count the tokens exactly; None: estimates.
        progress: receives the share done, 0 to 1; what it raises ends the work, and nothing is stored.

    Raises:
        NotFound: no such version or base model. DataError: the base model's files are missing, or the
            length is below 1.
    """
    if max_seq_length < 1:
        text = f"The maximum length must be at least 1; got {max_seq_length}."
        raise DataError(text, "Choose a larger one.", field="max_seq_length")
    version = get_version(version_id)
    examples = version_file(version_id, version_files.EXAMPLES)
    read: Iterator[Example] = reader.iterate(examples)
    measure: Measure | None = None
    if base_model:
        tokenizer = _tokenizer(base_model)
        measure, read = partial(_tokens, tokenizer), ahead(read, tokenizer)
    settings = CheckSettings(max_seq_length, measure)
    with scratch.folder() as folder:
        path = folder / ISSUES_FILE
        with closing(IssueWriter(path)) as out:
            measured = inspect(
                read,
                version.examples,
                out.add,
                version_id=version_id,
                settings=settings,
                progress=progress,
                rows=RowsLeftOut(version.rows_left_out, version.rows_read),
            )
        files = ReportFiles(examples, path)
        issues = tuple(with_fixes(files, issue, version.examples) for issue in measured.issues)
        title = base_models.resolve(base_model).title if base_model else ""
        measured = replace(measured, issues=issues, base_model=title, computed_at=time.time())
        version_file(version_id, version_files.EXAMPLES)  # NotFound where the dataset was deleted in the meantime
        with path.open("rb") as local, get_storage().open_write(f"{version.path}/{ISSUES_FILE}") as target:
            shutil.copyfileobj(local, target)
    content = json.dumps(measured.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace")
    get_storage().write_bytes(f"{version.path}/{REPORT_FILE}", content)
    return measured


def start(dataset_id: str, *, max_seq_length: int = MAX_SEQ_LENGTH, base_model: str | None = None) -> TaskRecord:
    """Inspect the newest version as a background task; one that already waits or runs is returned.

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
        if task.asked == payload:
            return task
    return enqueue("quality", f"Measure the quality of “{dataset.name}”", payload, None)


def inspected_at_once(version: VersionRecord) -> bool:
    """Whether a version is measured at once, not as a background task."""
    return is_small(version, INSPECTED_AT_ONCE)


def after_new_version(dataset_id: str, *, now: bool = True) -> None:
    """Ensure that the newest version has a report: at once where it is small, else as a background task.

    Called after a version was published; `now` false leaves a small one to the screen that shows it, so that a user
    who edits does not wait. A failure is logged and never undoes the version: the quality screen can compute the
    report again.
    """
    try:
        version = get_dataset(dataset_id).version
        if report(version.id) is not None:
            return
        if inspected_at_once(version):
            if now:
                compute(version.id)
        else:
            start(dataset_id)
    except (NotFound, Conflict):
        log.info("The dataset %s was deleted before its quality was measured.", dataset_id)
    except Exception:
        log.exception("The quality of the newest version of %s could not be measured.", dataset_id)


def _tokenizer(base_model: str) -> LightTokenizer:
    base = base_models.resolve(base_model)
    if base.path is None or not base.ready:
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    return load_tokenizer(base.path, base.revision)


def _tokens(tokenizer: LightTokenizer, example: Example) -> Span:
    return measure_span(example.messages, tokenizer, tools=example.tools)
