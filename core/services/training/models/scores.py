"""What was measured on models, one definition for cards, screens, command line, API and model cards.

A score is a share of right answers in the newest finished test of a kind: the exact-match test has one for each split,
the test on the test split one for each figure that applies to its answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import select

from core.platform.db.tables import TASKS
from core.platform.db.uow import read
from core.platform.tasks import store
from core.services.training.models.exact_match import EXACT_MATCH
from core.services.training.models.records import ModelRecord, ModelScore
from core.services.training.models.test_split import TEST_SPLIT, PartReport, report
from core.services.training.results import ExactMatchResult, SplitTestResult

_SPLITS: Final = {"train": "Training examples", "validation": "Held-out examples"}
_REMEMBERED: Final = 2_000  # tests whose scores this process knows; the result of a finished test never changes


def scores(model: ModelRecord) -> tuple[ModelScore, ...]:
    """The scores of one model, main ones first; empty if it was not tested."""
    return scores_of([model])[model.id]


def scores_of(models: Sequence[ModelRecord]) -> dict[str, tuple[ModelScore, ...]]:
    """The scores of several models by id, with one query for tests that this process knows."""
    jobs = {model.job_id: model.id for model in models}
    found: dict[str, tuple[ModelScore, ...]] = {model.id: () for model in models}
    for job_id, tests in _newest_tests(list(jobs)).items():
        every = [score for kind, task_id in sorted(tests.items()) for score in _of_test(kind, task_id)]
        found[jobs[job_id]] = tuple(sorted(every, key=lambda score: not score.main))
    return found


def _newest_tests(job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """{job: {kind: task}} of the newest finished tests."""
    job: Any = TASKS.c.payload["job_id"].as_string()
    query = (
        select(job.label("job_id"), TASKS.c.kind, TASKS.c.id)
        .where(TASKS.c.kind.in_((EXACT_MATCH, TEST_SPLIT)), TASKS.c.state == "succeeded", job.in_(job_ids))
        .order_by(TASKS.c.created_at, TASKS.c.id)
    )
    newest: dict[str, dict[str, str]] = defaultdict(dict)
    for row in read(query) if job_ids else ():
        newest[row.job_id][row.kind] = row.id
    return newest


@lru_cache(maxsize=_REMEMBERED)
def _of_test(kind: str, task_id: str) -> tuple[ModelScore, ...]:
    task = store.get(task_id)
    if kind == EXACT_MATCH:
        return _exact(ExactMatchResult.of(task))
    return _split(report(SplitTestResult.of(task).questions))


def _exact(test: ExactMatchResult) -> tuple[ModelScore, ...]:
    found = []
    for split, title in _SPLITS.items():
        base, tuned, total = (getattr(of, split) for of in (test.base, test.tuned, test.counts))
        if total and base is not None and tuned is not None:
            found.append((split, ModelScore(title, tuned, base, total)))
    best = found[-1][0] if found else ""
    return tuple(ModelScore(one.title, one.tuned, one.base, one.total, main=split == best) for split, one in found)


def _split(parts: Sequence[PartReport]) -> tuple[ModelScore, ...]:
    """The last figure over all parts, which is the strictest; then every figure of every part."""
    every = [
        ModelScore(figure.title, figure.tuned.value, figure.base.value, figure.tuned.total, part=part.part)
        for part in parts
        for figure in part.figures
    ]
    last = [part.figures[-1] for part in parts if part.figures]
    if not last:
        return ()
    counts = [(one.tuned.right or 0, one.base.right or 0, one.tuned.total) for one in last]
    tuned, base, total = (sum(of) for of in zip(*counts, strict=True))
    return (ModelScore(f"Test split: {last[0].title}", tuned / total, base / total, total, main=True), *every)
