"""Every check over the examples of a version: the hits as they are found, and the report in the end."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from core.data.examples.near_duplicates import NearDuplicates
from core.data.quality import score
from core.data.quality.catalogue import ISSUES
from core.data.quality.checks import CHECKS, Case, Check, Copies, Progress, Settings
from core.data.quality.checks.base import shown
from core.data.quality.records import Action, DuplicateMap, Hit, IssueGroup, MapEdge, MapPoint, QualityReport, ScorePart
from core.messages import Example

Sink = Callable[[Hit], None]
_SHARE_READING = 0.45  # of the work: the rest is comparing
_DRAWN, _DRAWN_EACH = 36, 24  # clusters in the map, and examples of each
_SEVERITIES = ("error", "warning", "info")


class _Counts:
    """How many examples each issue concerns, and how gravely each example is concerned in each part."""

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
        if not hit.subject:
            return
        self.subjects[hit.code] = self.subjects.get(hit.code, 0) + 1
        part = ISSUES[hit.code].part
        weight = next((item.weights.get(hit.code, 0.0) for item in score.PARTS if item.id == part), 0.0)
        if weight and hit.position >= 0:
            weights = self._weights.setdefault(part, np.zeros(self._total, np.float32))
            weights[hit.position] = max(weights[hit.position], weight)

    def weighed(self) -> dict[str, tuple[int, float]]:
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
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> QualityReport:
    """Run every check.

    Args:
        examples: gone through once.
        total: how many there are.
        sink: is given every hit, in no particular order.
        progress: told the share done, 0 to 1; what it raises ends the work.

    Returns:
        the report; its actions still lack their counts (`with_actions`).
    """
    settings, tell = settings or Settings(), progress or (lambda share: None)
    checks: list[Check] = [make(settings) for make in CHECKS.values()]
    counts, validation = _Counts(total), array("b")

    def take(hit: Hit) -> None:
        counts.note(hit)
        sink(hit)

    for position, example in enumerate(examples):
        case = Case(position, example)
        validation.append(example.split == "validation")
        for check in checks:
            for hit in check.feed(case):
                take(hit)
        if position % 100 == 0:
            tell(_SHARE_READING * position / max(total, 1))
    step = (1 - _SHARE_READING) / len(checks)
    for number, check in enumerate(checks):
        begun = _SHARE_READING + number * step
        for hit in check.finish(lambda share, begun=begun: tell(begun + step * share)):  # type: ignore[misc]
            take(hit)
    held_out = sum(validation)
    tally = score.Tally(
        examples=len(validation),
        train=len(validation) - held_out,
        validation=held_out,
        weighed=counts.weighed(),
        rare_labels=counts.subjects.get("label_imbalance", 0),
    )
    parts = score.parts(tally)
    issues = _issues(counts)
    serious = any(issue.severity == "error" for issue in issues)
    points = score.total(parts, tally.train, serious=serious)
    copies = next(check for check in checks if isinstance(check, Copies))
    return QualityReport(
        version_id=version_id,
        examples=len(validation),
        score=points,
        grade=score.grade(points),
        parts=parts,
        issues=issues,
        max_seq_length=settings.max_seq_length,
        notes=(*_held_back(parts, points, serious), *(note for check in checks for note in check.notes())),
        duplicate_map=draw(copies.near, lambda position: shown(copies.texts[position], 60), validation),
    )


def _held_back(parts: tuple[ScorePart, ...], points: int, serious: bool) -> tuple[str, ...]:
    """Why the score is lower than the sum of its parts, where it is."""
    together = sum(part.points for part in parts)
    if points >= 50 and together - points < 1:
        return ()
    if points < 50 <= together:
        return (f"The parts add up to {together:.0f}, but so few examples keep the score below 50.",)
    if points == 74:
        return (f"The parts add up to {together:.0f}, but a part without any points keeps the score below 75.",)
    if points == 89 and serious:
        return (
            f"The parts add up to {together:.0f}, but serious issues keep the score below 90 until they are mended.",
        )
    return ()


def _issues(counts: _Counts) -> tuple[IssueGroup, ...]:
    made = []
    for code, first in counts.first.items():
        issue = ISSUES[code]
        count = counts.subjects.get(code, 0) if first.position >= 0 else 0  # what concerns the set lists no examples
        severity = issue.severity
        if code == "too_few_examples":
            severity = "error" if "at least" in first.detail else "warning"
        message = _said(code, count, len(counts.groups.get(code, ())), first)
        actions = tuple(Action(item.id, item.title, item.text, item.one_click) for item in issue.actions)
        made.append(IssueGroup(code, issue.title, severity, count, message, issue.remedy, actions))
    order = list(ISSUES)
    return tuple(sorted(made, key=lambda item: (_SEVERITIES.index(item.severity), order.index(item.code))))


def _said(code: str, count: int, groups: int, first: Hit) -> str:
    """One sentence with the count and an example of what was found."""
    if code == "too_few_examples":
        return first.detail
    examples = f"{count:,} example{'s' * (count != 1)}"
    inside = f" in {groups:,} group{'s' if groups != 1 else ''}" if groups else ""
    one = count == 1
    be, have, s = ("is", "has", "s") if one else ("are", "have", "")
    said = {
        "duplicate_examples": f"{examples} to spare{inside}: word for word the same as another.",
        "near_duplicates": f"{examples} to spare{inside}: nearly the same as another.",
        "contradictions": f"{examples}{inside} with the same input give different answers.",
        "varied_answers": f"{examples}{inside} with the same input give different long answers.",
        "validation_overlap": f"{examples} of the validation part also stand{s} in training.",
        "near_leakage": f"{examples} of the validation part {be} nearly the same as one in training.",
        "label_imbalance": f"{examples} {have} a label that hardly occurs{inside}.",
        "secrets": f"{examples} hold{s} keys, tokens or passwords.",
        "personal_data": f"{examples} hold{s} personal data.",
        "special_tokens": f"{examples} hold{s} control tokens of chat templates.",
        "placeholders": f"{examples} hold{s} places that nobody filled in.",
        "mojibake": f"{examples} hold{s} letters that an encoding error damaged.",
        "refusals": f"{examples} refuse{s} to answer.",
        "empty_answers": f"{examples} {have} an answer that says nothing.",
        "answer_lost": f"{examples} would lose the whole answer in training.",
        "over_length": f"{examples} {be} longer than the maximum length.",
        "length_outliers": f"{examples} {be} far longer or shorter than the others.",
        "language_mix": f"{examples} {be} in another language than most.",
        "system_inconsistent": f"{examples} {have} another system message than most.",
        "label_variants": f"{examples} spell{s} a label differently than most.",
    }.get(code, f"{examples}.")
    where = f" Example {first.position + 1:,}: " if first.position >= 0 else " "
    return said + where + first.detail


def draw(near: NearDuplicates, text: Callable[[int], str], validation: array[int]) -> DuplicateMap:
    """The largest clusters as circles of points, the largest in the middle, the others on a spiral around it."""
    largest = sorted(near.clusters, key=lambda cluster: (-len(cluster), cluster[0]))[:_DRAWN]
    points: list[MapPoint] = []
    for number, cluster in enumerate(largest):
        distance, turn = 0.92 * math.sqrt(number / _DRAWN), number * math.pi * (3 - math.sqrt(5))
        members = cluster[:_DRAWN_EACH]
        radius = 0.085 * math.sqrt(len(members) / _DRAWN_EACH) + 0.015
        for index, position in enumerate(members):
            angle = 2 * math.pi * index / len(members)
            points.append(
                MapPoint(
                    position,
                    round(distance * math.cos(turn) + radius * math.cos(angle), 4),
                    round(distance * math.sin(turn) + radius * math.sin(angle), 4),
                    number,
                    "validation" if validation[position] else "train",
                    text(position),
                )
            )
    drawn = {point.position for point in points}
    edges = [MapEdge(p.first, p.second, p.similarity) for p in near.pairs if p.first in drawn and p.second in drawn]
    return DuplicateMap(
        tuple(points), tuple(edges[:3_000]), len(near.clusters), sum(len(cluster) for cluster in near.clusters)
    )
