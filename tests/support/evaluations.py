"""Evaluations with planted answers, as the worker would store them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from core.messages import Example, Message
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.serving import evaluating
from core.services.serving.evaluating import (
    AnswerRecord,
    Contestant,
    EvaluationRecord,
    EvaluationSettings,
    contestants,
    questions,
    scoring,
    testing,
    verdicts,
)
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.services.training import jobs
from core.services.training.models import ModelRecord
from core.serving.evaluations import store
from tests.support.jobs import finish

Answers = Callable[[EvaluationQuestion, int], str]  # a question and its repeat


def dataset(count: int = 30, name: str = "Colors") -> DatasetRecord:
    """Ten examples to train on, the others in the test split; the answer is one of three colors."""
    made = [
        Example((Message("user", f"Color of thing {at}?"), Message("assistant", ("red", "green", "blue")[at % 3])))
        for at in range(count)
    ]
    return datasets.create_dataset(name, made[:10], test=made[10:])


def models(monkeypatch: pytest.MonkeyPatch, *ids: str) -> None:
    """Models that exist, without weights."""
    monkeypatch.setattr(contestants, "find", lambda typed: Contestant(typed, typed.title(), "tuned"))
    monkeypatch.setattr(contestants, "registered_id", lambda model_id: "")


def planted(
    found: DatasetRecord,
    answers: Mapping[str, Answers],
    *,
    against: str = "",
    suites: Sequence[str] = (),
    repeats: int = 1,
    metrics: Sequence[str] = (),
    settings: EvaluationSettings | None = None,
) -> EvaluationRecord:
    """An evaluation that ended: each model answers by its function."""
    chosen = settings or EvaluationSettings(against=against, suites=tuple(suites), repeats=repeats)
    begun = evaluating.start(list(answers), found.version.id, metrics=metrics, settings=chosen)
    return answered(begun, answers)


def answered(begun: EvaluationRecord, answers: Mapping[str, Answers]) -> EvaluationRecord:
    """An evaluation that was begun, as it is after each model has answered by its function."""
    chosen = begun.settings
    asked, left_out = questions.of_dataset(begun.dataset_version_id, begun.split, None)
    asked += questions.of_suites(chosen.suites)
    of_metrics = scoring.with_main(begun, asked)
    rows = []
    for model in begun.models:
        for repeat in range(chosen.repeats if model.id == chosen.against else 1):
            for question in asked:
                text = answers[model.id](question, repeat)
                where = (model.id, question.suite, question.position, repeat)
                row = AnswerRecord(*where, text, tokens=len(text.split()), seconds=0.2)
                rows.append(replace(row, scores=scoring.values(of_metrics, question, row)))
    with UnitOfWork() as uow:
        store.add_answers(uow, begun.id, rows)
        uow.commit()
    summary = scoring.summarize(begun, asked, left_out, of_metrics)
    with UnitOfWork() as uow:
        store.save_summary(uow, begun.id, summary)
        verdicts.decide(uow, begun, summary.main)
        uow.commit()
    return evaluating.get(begun.id)


def measured(
    model: ModelRecord, tuned: Answers, base: Answers | None = None, *, split: str | None = None, main: str = ""
) -> EvaluationRecord:
    """The one-click test of a model, ended: it and its base answer by their functions; the base is always wrong."""
    split = testing.plan(model).split if split is None else split
    begun = testing.start_after(jobs.get_job(model.job_id), split, main)
    answers = dict(zip((one.id for one in begun.models), (tuned, base or wrong), strict=True))
    done = answered(begun, answers)
    finish(done.task_id)
    return done


def right_up_to(**counts: int) -> Answers:
    """A model that answers so many examples of each split as expected, the first ones, and no others."""
    seen: dict[str, int] = {}

    def answer(question: EvaluationQuestion, repeat: int) -> str:
        seen[question.split] = seen.get(question.split, 0) + 1
        return question.expected if seen[question.split] <= counts.get(question.split, 0) else "no idea"

    return answer


def right(question: EvaluationQuestion, repeat: int) -> str:
    """The expected output; to an item of a suite a refusal."""
    return question.expected or "I'm sorry, but I can't help with that."


def wrong(question: EvaluationQuestion, repeat: int) -> str:
    """Never the expected output; to an item of a suite a refusal."""
    return "no idea" if question.expected else "I'm sorry, but I can't help with that."
