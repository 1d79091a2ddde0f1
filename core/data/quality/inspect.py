"""Every check over the examples of a version: the hits as they are found, and the report at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from core.data.examples.sets import ExampleSet
from core.data.issues import ISSUES, checks
from core.data.issues.check import Case, CheckSettings, Hit, Progress
from core.data.issues.duplicate_map import DuplicateMap
from core.data.quality import score
from core.data.quality.records import Action, IssueGroup, QualityReport
from core.messages import Example

Sink = Callable[[Hit], None]
_SHARE_READING = 0.45  # of the work: the rest is comparing
_SEVERITIES = ("error", "warning", "info")


class _Counts:
    """How many examples each issue affects, and how much each example weighs in each part of the score."""

    def __init__(self, total: int) -> None:
        self.subjects: dict[str, int] = {}
        self.groups: dict[str, set[int]] = {}
        self.first: dict[str, Hit] = {}
        self._total = total
        self._weights: dict[str, Any] = {}

    def note(self, hit: Hit) -> None:
        self.first.setdefault(hit.code, hit)
        if hit.group >= 0:
            self.groups.setdefault(hit.code, set()).add(hit.group)
        if not hit.subject or hit.position < 0:
            return
        self.subjects[hit.code] = self.subjects.get(hit.code, 0) + 1
        share = ISSUES.get(hit.code).share
        if share is not None and share.weight:
            weights = self._weights.setdefault(share.part, np.zeros(self._total, np.float32))
            weights[hit.position] = max(weights[hit.position], share.weight)

    def weighted(self) -> dict[str, tuple[int, float]]:
        return {
            part: (int(np.count_nonzero(weights)), float(weights.sum(dtype=np.float64)))
            for part, weights in self._weights.items()
        }


def inspect(
    examples: Iterable[Example],
    total: int,
    sink: Sink,
    *,
    version_id: str = "",
    settings: CheckSettings | None = None,
    progress: Progress | None = None,
    rows: score.RowsLeftOut = score.RowsLeftOut(),  # noqa: B008  it is frozen
) -> QualityReport:
    """Run every check.

    Args:
        examples: iterated once.
        total: how many there are.
        sink: receives every hit, in no particular order.
        progress: receives the share done, 0 to 1; what it raises ends the work.
        rows: of the source, those that became no example.

    Returns:
        the report, still without the fixes, which depend on the files of the version.
    """
    settings, report_progress = settings or CheckSettings(), progress or (lambda share: None)
    running = [make(settings) for make in checks()]
    counts, seen = _Counts(total), ExampleSet()

    def take(hit: Hit) -> None:
        counts.note(hit)
        sink(hit)

    for position, example in enumerate(examples):
        case = Case(position, example)
        seen.feed(example)
        for check in running:
            for hit in check.feed(case):
                take(hit)
        if position % 100 == 0:
            report_progress(_SHARE_READING * position / max(total, 1))
    step = (1 - _SHARE_READING) / len(running)
    for number, check in enumerate(running):
        start = _SHARE_READING + number * step
        for hit in check.finish(seen, lambda share, start=start: report_progress(start + step * share)):  # type: ignore[misc]
            take(hit)
    for hit in _of_rules(seen):
        take(hit)
    tally = score.Tally(len(seen), seen.train, counts.weighted(), rows)
    parts = score.parts(tally)
    issues = _issues(counts)
    serious = any(issue.severity == "error" for issue in issues)
    points = score.total(parts, tally, serious=serious)
    maps = [drawn for check in running if (drawn := check.duplicate_map(seen)) is not None]
    return QualityReport(
        version_id=version_id,
        examples=len(seen),
        score=points,
        grade=score.grade(points),
        parts=parts,
        issues=issues,
        max_seq_length=settings.max_seq_length,
        notes=(*score.limits(parts, tally, serious=serious), *(note for check in running for note in check.notes())),
        duplicate_map=maps[0] if maps else DuplicateMap(),
    )


def _of_rules(seen: ExampleSet) -> Iterable[Hit]:
    """What the rules about the set find, where no check lists the examples one by one."""
    for issue in ISSUES:
        verdict = issue.rule(seen) if issue.rule and issue.check is None else None
        if verdict is not None:
            yield Hit(issue.code, -1, issue.say(verdict.examples, len(verdict.groups)))


def _issues(counts: _Counts) -> tuple[IssueGroup, ...]:
    groups = []
    for issue in ISSUES:
        first = counts.first.get(issue.code)
        if first is None:
            continue
        count = counts.subjects.get(issue.code, 0)  # 0 for an issue of the set as a whole, which lists no examples
        message = first.detail
        if first.position >= 0:
            sentence = issue.say(count, len(counts.groups.get(issue.code, ())))
            message = f"{sentence} Example {first.position + 1:,}: {first.detail}"
        actions = tuple(Action(fix.id, fix.title, fix.text, fix.one_click) for fix in issue.fixes)
        groups.append(IssueGroup(issue.code, issue.title, issue.severity, count, message, issue.remedy, actions))
    return tuple(sorted(groups, key=lambda group: _SEVERITIES.index(group.severity)))
