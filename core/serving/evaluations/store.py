"""Evaluations and their answers in the database. What changes one takes the transaction of its caller."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update

from core.errors import NotFound
from core.platform.db.tables import (
    EVALUATED_MODELS,
    EVALUATION_ANSWERS,
    EVALUATIONS,
    TASKS,
    VERDICTS,
    Evaluation,
    ModelVerdict,
)
from core.platform.db.uow import UnitOfWork, read
from core.serving.evaluations.measured import own_id
from core.serving.evaluations.records import (
    AnswerRecord,
    Contestant,
    EvaluationRecord,
    EvaluationSettings,
    Summary,
    VerdictReason,
    VerdictRecord,
)

_ANSWER: Final = [EVALUATION_ANSWERS.c[item.name] for item in fields(AnswerRecord)]
_JOINED: Final = EVALUATIONS.outerjoin(TASKS, TASKS.c.id == EVALUATIONS.c.task_id)
_QUERY: Final = select(*EVALUATIONS.c, TASKS.c.state).select_from(_JOINED)


def create(uow: UnitOfWork, evaluation: Evaluation) -> None:
    """Add an evaluation."""
    uow.execute(EVALUATIONS.insert(), [evaluation.model_dump()])


def get(evaluation_id: str) -> EvaluationRecord:
    """Raises NotFound."""
    rows = read(_QUERY.where(EVALUATIONS.c.id == evaluation_id))
    if not rows:
        raise NotFound(f"The evaluation {evaluation_id!r} does not exist.", "It may have been deleted; see Evaluate.")
    return _record(rows[0])


def find(ids: Sequence[str]) -> dict[str, EvaluationRecord]:
    """Evaluations by id."""
    return {row.id: _record(row) for row in read(_QUERY.where(EVALUATIONS.c.id.in_(ids)))} if ids else {}


def listed(
    *, dataset_id: str = "", archived: bool = False, offset: int = 0, limit: int = 50
) -> tuple[list[EvaluationRecord], int]:
    """A page of the evaluations, the newest first, and how many there are."""
    chosen = [EVALUATIONS.c.dataset_id == dataset_id] if dataset_id else []
    if not archived:
        chosen.append(EVALUATIONS.c.archived_at.is_(None))
    query = _QUERY.where(*chosen).order_by(EVALUATIONS.c.created_at.desc(), EVALUATIONS.c.id.desc())
    total = read(select(func.count()).select_from(EVALUATIONS).where(*chosen))[0][0]
    return [_record(row) for row in read(query.offset(offset).limit(limit))], total


def save_summary(uow: UnitOfWork, evaluation_id: str, summary: Summary) -> None:
    """Write what came out, and which models were measured."""
    uow.execute(update(EVALUATIONS).where(EVALUATIONS.c.id == evaluation_id).values(summary=summary.to_dict()))
    measured = dict.fromkeys(own_id(model.model_id) for model in summary.models)
    if measured:
        uow.insert_new(EVALUATED_MODELS, [{"evaluation_id": evaluation_id, "model_id": model} for model in measured])


def set_archived(ids: Sequence[str], *, archived: bool) -> int:
    """Archive or restore; returns how many changed."""
    column = EVALUATIONS.c.archived_at
    changes = column.is_(None) if archived else column.is_not(None)
    with UnitOfWork() as uow:
        done = uow.execute(
            update(EVALUATIONS)
            .where(EVALUATIONS.c.id.in_(ids), changes)
            .values(archived_at=time.time() if archived else None)
        ).rowcount
        uow.commit()
    return done


def rename(evaluation_id: str, name: str) -> None:
    """Set the name."""
    with UnitOfWork() as uow:
        uow.execute(update(EVALUATIONS).where(EVALUATIONS.c.id == evaluation_id).values(name=name))
        uow.commit()


def remove(evaluation_id: str) -> None:
    """Delete an evaluation with its answers and verdicts."""
    with UnitOfWork() as uow:
        for table in (EVALUATION_ANSWERS, EVALUATED_MODELS, VERDICTS):
            uow.execute(delete(table).where(table.c.evaluation_id == evaluation_id))
        uow.execute(delete(EVALUATIONS).where(EVALUATIONS.c.id == evaluation_id))
        uow.commit()


# ---- answers


def add_answers(uow: UnitOfWork, evaluation_id: str, answers: Iterable[AnswerRecord]) -> None:
    """Store answers; one that is there already stays, so that this can be repeated."""
    now = time.time()
    rows = [asdict(answer) | {"evaluation_id": evaluation_id, "created_at": now} for answer in answers]
    if rows:
        uow.insert_new(EVALUATION_ANSWERS, rows)


def answered(evaluation_id: str) -> set[tuple[str, str, int, int]]:
    """(model, suite, position, repeat) of every stored answer."""
    columns = (EVALUATION_ANSWERS.c[name] for name in ("model_id", "suite", "position", "repeat"))
    query = select(*columns).where(EVALUATION_ANSWERS.c.evaluation_id == evaluation_id)
    return {(row[0], row[1], row[2], row[3]) for row in read(query)}


def counted(evaluation_id: str) -> dict[tuple[str, str], int]:
    """How many answers are stored: {(model, suite): number}."""
    table = EVALUATION_ANSWERS
    query = select(table.c.model_id, table.c.suite, func.count()).where(table.c.evaluation_id == evaluation_id)
    return {(row[0], row[1]): row[2] for row in read(query.group_by(table.c.model_id, table.c.suite))}


def answers(
    evaluation_id: str, *, model_id: str = "", suite: str | None = None, repeat: int | None = 0
) -> list[AnswerRecord]:
    """Stored answers in the order of the questions.

    Args:
        suite: "" for those to the dataset; None for all.
        repeat: None for all.
    """
    table = EVALUATION_ANSWERS
    query = select(*_ANSWER).where(table.c.evaluation_id == evaluation_id)
    if model_id:
        query = query.where(table.c.model_id == model_id)
    if suite is not None:
        query = query.where(table.c.suite == suite)
    if repeat is not None:
        query = query.where(table.c.repeat == repeat)
    return [
        AnswerRecord(**row._mapping) for row in read(query.order_by(table.c.suite, table.c.position, table.c.repeat))
    ]


def save_logprobs(uow: UnitOfWork, evaluation_id: str, model_id: str, found: dict[int, tuple[float, int]]) -> None:
    """Write the log-probabilities of expected outputs by position."""
    table = EVALUATION_ANSWERS
    for position, (logprob, tokens) in found.items():
        uow.execute(
            update(table)
            .where(
                table.c.evaluation_id == evaluation_id,
                table.c.model_id == model_id,
                table.c.suite == "",
                table.c.position == position,
                table.c.repeat == 0,
            )
            .values(logprob=logprob, expected_tokens=tokens)
        )


# ---- verdicts


def add_verdict(uow: UnitOfWork, verdict: ModelVerdict) -> None:
    """Store a verdict."""
    uow.execute(VERDICTS.insert(), [verdict.model_dump()])


def verdicts_of(*, evaluation_id: str = "", candidates: Sequence[str] = (), limit: int = 50) -> list[VerdictRecord]:
    """Verdicts of an evaluation or on models, the newest first."""
    query = select(*VERDICTS.c).order_by(VERDICTS.c.created_at.desc(), VERDICTS.c.id.desc()).limit(limit)
    if evaluation_id:
        query = query.where(VERDICTS.c.evaluation_id == evaluation_id)
    if candidates:
        query = query.where(VERDICTS.c.candidate_id.in_(candidates))
    return [
        VerdictRecord(**dict(row._mapping) | {"reasons": tuple(VerdictReason(**reason) for reason in row.reasons)})
        for row in read(query)
    ]


def save_override(verdict_id: str, override: dict[str, Any]) -> None:
    """Record that a person deploys against a verdict."""
    with UnitOfWork() as uow:
        uow.execute(update(VERDICTS).where(VERDICTS.c.id == verdict_id).values(override=override))
        uow.commit()


def _record(row: Row[Any]) -> EvaluationRecord:
    values = dict(row._mapping)
    return EvaluationRecord(**values | {
        "models": tuple(Contestant(**model) for model in values["models"]),
        "metrics": tuple(values["metrics"]),
        "settings": EvaluationSettings.of(values["settings"]),
        "summary": Summary.from_dict(values["summary"]) if values["summary"] else None,
        "state": values["state"] or "",
    })  # fmt: skip
