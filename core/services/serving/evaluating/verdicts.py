"""Verdicts on models: made from an evaluation's answers, stored, looked up by *Deploy*, overridden with a reason."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from core.errors import Conflict, DataError, NotFound
from core.ids import new_id
from core.platform.db.tables import ModelVerdict
from core.platform.db.uow import UnitOfWork
from core.services.serving.evaluating import scoring
from core.services.serving.evaluating.verdict import TASK, ComparedRuns, Judgment, judge
from core.services.training import merging
from core.serving.evaluation import EVALUATION_METRICS
from core.serving.evaluation.suites import SUITES
from core.serving.evaluations import store
from core.serving.evaluations.records import AnswerRecord, EvaluationRecord, VerdictRecord

LONGEST_REASON: Final = 1_000


def newest(model_id: str) -> VerdictRecord | None:
    """The newest verdict on a model, also in its merged form; None if it was never compared with another one."""
    found = store.verdicts_of(candidates=(model_id, merging.served_id(model_id)), limit=1)
    return found[0] if found else None


def of_evaluation(evaluation_id: str) -> list[VerdictRecord]:
    """The verdicts of an evaluation, in the order of its models."""
    return list(reversed(store.verdicts_of(evaluation_id=evaluation_id)))


def between(model_id: str, against: str) -> VerdictRecord | None:
    """The newest verdict on a model against another one."""
    found = store.verdicts_of(candidates=(model_id,))
    return next((verdict for verdict in found if verdict.parent_id == against), None)


def require(model_id: str) -> None:
    """What *Deploy* calls first. Raises Conflict: the newest verdict is *Don't ship*, and it was not overridden."""
    verdict = newest(model_id)
    if verdict is not None and verdict.blocks:
        against = [reason.text for reason in verdict.reasons if reason.ok is False]
        text = f"The verdict on this model is “Don't ship”. {' '.join(against)}"
        raise Conflict(text, "Train a better one, or deploy it all the same with a reason.")


def override(model_id: str, reason: str, by: str = "") -> VerdictRecord:
    """Record that a person deploys a model against its newest verdict. Raises NotFound; DataError: no reason."""
    verdict = newest(model_id)
    if verdict is None:
        raise NotFound("This model has no verdict.", "Evaluate it against its base.")
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON:
        raise DataError(f"A reason has 1 to {LONGEST_REASON:,} characters.", "Say why.", field="reason")
    store.save_override(verdict.id, {"reason": text, "by": by, "at": time.time()})
    return next(one for one in store.verdicts_of(evaluation_id=verdict.evaluation_id) if one.id == verdict.id)


def decide(uow: UnitOfWork, evaluation: EvaluationRecord, main: str) -> list[str]:
    """Judge every model of an evaluation that is compared with another one; returns the decisions.

    Args:
        main: the id of the task's metric.
    """
    against = evaluation.settings.against
    if not against:
        return []
    parent = store.answers(evaluation.id, model_id=against, repeat=None)
    decisions: list[str] = []
    for model in evaluation.models:
        if model.id == against:
            continue
        judgment = _judged(evaluation, main, store.answers(evaluation.id, model_id=model.id), parent)
        row = ModelVerdict(
            id=new_id("verdict"),
            candidate_id=model.id,
            parent_id=against,
            evaluation_id=evaluation.id,
            decision=judgment.decision,
            reasons=[asdict(reason) for reason in judgment.reasons],
        )
        store.add_verdict(uow, row)
        decisions.append(judgment.decision)
    return decisions


def _judged(
    evaluation: EvaluationRecord, main: str, candidate: Sequence[AnswerRecord], parent: Sequence[AnswerRecord]
) -> Judgment:
    metric = EVALUATION_METRICS.get(main)
    other = next(model for model in evaluation.models if model.id == evaluation.settings.against)
    named = "The base model" if other.kind == "base" else f"“{other.title}”"

    def measured(about: str, suite: str, title: str, of: str, **more: object) -> ComparedRuns:
        before = scoring.runs([one for one in parent if one.suite == suite], of)
        after = scoring.runs([one for one in candidate if one.suite == suite], of)
        values = (after[0] if after else {}, before or [{}])
        return ComparedRuns(about, title, *values, parent=named, **more)  # type: ignore[arg-type]

    task = measured(TASK, "", metric.title, metric.id, unit=metric.unit, direction=metric.direction)
    guards = [
        measured(suite.id, suite.id, suite.title, scoring.PASSED, margin=suite.margin)
        for suite in map(SUITES.get, evaluation.settings.suites)
    ]
    return judge(task, guards)
