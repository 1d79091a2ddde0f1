"""The verdict on a model against its parent: *Ship*, *Don't ship* or *No difference*, with the reasons.

A model ships if the task metric rises by more than chance and no guard suite falls by more than its margin. Chance is
measured twice: by repeated runs of the parent (its noise; 0 under greedy decoding on a CPU), and by the examples that
happened to be asked (the 95 % interval of the paired difference).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.services.serving.evaluating.statistics import Run, mean_run, noise, noise_of_share, paired_interval
from core.serving.evaluation.base import Direction, Unit
from core.serving.evaluations.records import Decision, VerdictReason

FEWEST: Final = 20  # examples; below this an interval says little
TASK: Final = "task"


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """The values of one metric, or of one suite, for both models.

    Attributes:
        about: "task", or the id of a suite.
        after: of the candidate, by position.
        before: of the parent: one run, and further ones where it was repeated.
        margin: how far a suite may fall.
        unit: of the values.
        parent: what the other model is called in a reason.
    """

    about: str
    title: str
    after: Run
    before: Sequence[Run]
    margin: float = 0.0
    unit: Unit = "share"
    direction: Direction = "higher"
    parent: str = "The base model"

    @property
    def sign(self) -> int:
        return 1 if self.direction == "higher" else -1


@dataclass(frozen=True, slots=True)
class Judgment:
    """A decision with its reasons, that of the task first."""

    decision: Decision
    reasons: tuple[VerdictReason, ...] = field(default=())


def judge(task: ComparedRuns, guards: Sequence[ComparedRuns]) -> Judgment:
    """Decide about a candidate."""
    reasons = [_of_task(task), *map(_of_guard, guards)]
    if any(reason.ok is False for reason in reasons):
        decision: Decision = "dont_ship"
    else:
        decision = "ship" if reasons[0].ok else "no_difference"
    return Judgment(decision, tuple(reasons))


def _of_task(task: ComparedRuns) -> VerdictReason:
    parent = mean_run(task.before)
    before, after = _mean(parent), _mean(task.after)
    difference, low, high = paired_interval(parent, task.after)
    chance = noise(task.before) or 0.0
    shared = len(set(parent) & set(task.after))
    numbers = f"{_value(before, task.unit)} → {_value(after, task.unit)} on {shared:,} examples"
    spread = f"95% interval of the difference {_change(low, task.unit)} to {_change(high, task.unit)}"
    if chance:
        spread += f"; repeated runs differ by up to {_change(chance, task.unit).lstrip('+')}"
    gain, sure_gain = task.sign * difference, low > 0 if task.sign > 0 else high < 0
    sure_loss = high < 0 if task.sign > 0 else low > 0
    few = f" Only {shared} examples: ask more to be sure." if shared < FEWEST else ""
    if gain > chance and sure_gain:
        return VerdictReason(TASK, True, f"{task.title} improved: {numbers} ({spread}).{few}", before, after)
    if -gain > chance and sure_loss:
        return VerdictReason(TASK, False, f"{task.title} got worse: {numbers} ({spread}).{few}", before, after)
    return VerdictReason(TASK, None, f"{task.title} did not change by more than chance: {numbers} ({spread}).{few}",
                  before, after)  # fmt: skip


def _of_guard(guard: ComparedRuns) -> VerdictReason:
    """The margin is widened by the noise of the parent, which is 0 where its answers are always the same.

    A suite that the parent fails cannot fall: it guards nothing, and the reason says so.
    """
    before, after = _mean(mean_run(guard.before)), _mean(guard.after)
    margin = guard.margin + noise_of_share(guard.before, guard.after)
    fall = before - after
    if guard.after and before <= margin:
        right = f"{guard.parent} answers {round(before * len(guard.after)):,} of {len(guard.after):,} correctly"
        how_far = " by more than is allowed" if before else ""
        text = f"{guard.title} guards nothing here. {right}, so this suite cannot fall{how_far}."
        return VerdictReason(guard.about, None, text, before, after)
    numbers = f"{_value(before, 'share')} → {_value(after, 'share')} of {len(guard.after)} questions"
    allowed = f"a fall of up to {100 * margin:.0f} points is allowed"
    if fall > margin + 1e-9:
        return VerdictReason(guard.about, False, f"{guard.title} fell: {numbers} ({allowed}).", before, after)
    return VerdictReason(guard.about, True, f"{guard.title} held: {numbers} ({allowed}).", before, after)


def _mean(run: Mapping[int, float]) -> float:
    return sum(run.values()) / len(run) if run else 0.0


def _value(value: float, unit: Unit) -> str:
    return f"{100 * value:.1f}%" if unit == "share" else f"{value:,.2f}"


def _change(value: float, unit: Unit) -> str:
    return f"{100 * value:+.1f} points" if unit == "share" else f"{value:+,.2f}"
