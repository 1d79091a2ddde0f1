"""`/api/v1/evaluations`: models answer a dataset's examples; figures, verdicts, worst answers, the leaderboard."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query

from api.platform.records import Limit, add_routes, records
from api.platform.scopes import needs
from api.serving.evaluation_shapes import (
    BoardRowShown,
    CalibrationShown,
    CaseAnswer,
    CasePage,
    CaseShown,
    EvaluationShown,
    JudgedShown,
    JudgmentShown,
    NewEvaluation,
    VerdictShown,
)
from core.services.data import datasets
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import evaluating
from core.services.serving.evaluating import judging, verdicts

router: Final = records("/api/v1/evaluations", "Evaluations")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]


@router.post("", dependencies=_SERVING, status_code=202)
def start(asked: NewEvaluation) -> EvaluationShown:
    """Let models answer the examples of a dataset, in the background."""
    version_id = datasets.get_dataset(asked.dataset).version.id
    split = "" if asked.split == "all" else asked.split
    started = evaluating.start(
        asked.models, version_id, split=split, metrics=asked.metrics, settings=asked.settings(), name=asked.name
    )
    return EvaluationShown.of(started)


@router.get("/leaderboard", dependencies=_READING)
def leaderboard(
    dataset: Annotated[str, Query(min_length=1, max_length=200, description="name or id")],
    split: Annotated[str, Query(max_length=20)] = "test",
) -> list[BoardRowShown]:
    """The models that were evaluated on a split of a dataset, the best first."""
    found = evaluating.leaderboard(datasets.get_dataset(dataset).id, "" if split == "all" else split)
    return [BoardRowShown.of(row) for row in found]


ROUTES: Final = add_routes(
    router, evaluating, evaluating.get, EvaluationShown, noun="evaluation", reading=_READING, writing=_SERVING,
    remains="its models and its dataset remain",
)  # fmt: skip


@router.get("/{evaluation_id}/verdicts", dependencies=_READING)
def of_evaluation(evaluation_id: str) -> list[VerdictShown]:
    """The verdicts on its models, with their reasons."""
    return [VerdictShown.of(verdict) for verdict in verdicts.of_evaluation(evaluating.get(evaluation_id).id)]


@router.get("/{evaluation_id}/judgments", dependencies=_READING)
def judgments(evaluation_id: str) -> list[JudgmentShown]:
    """What the judge said about each model, and how well it agrees with people; empty without a judge."""
    found = evaluating.get(evaluation_id)
    if judging.contestant(found) is None:
        return []
    return [
        JudgmentShown(
            candidate_id=model.id,
            judged=JudgedShown.of(pairs) if (pairs := judging.judged(found, model.id)) else None,
            calibration=CalibrationShown.of(judging.calibration(found, model.id)),
        )
        for model in found.models
        if model.id != found.settings.against
    ]


@router.get("/{evaluation_id}/answers", dependencies=_READING)
def answers(
    evaluation_id: str,
    model: Annotated[str, Query(min_length=1, max_length=500, description="the id of one of its models")],
    suite: Annotated[str, Query(max_length=60, description="a guard suite; left out: the dataset")] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Limit = 20,
) -> CasePage:
    """The questions with the answers of every model; the worst answers of one model first."""
    found, total = evaluating.cases(evaluating.get(evaluation_id), model, suite=suite, offset=offset, limit=limit)
    shown = [
        CaseShown(
            position=case.question.position,
            input=case.question.text,
            expected=case.question.expected,
            value=case.value,
            answers=[CaseAnswer.of(answer) for answer in case.answers.values()],
        )
        for case in found
    ]
    return CasePage(data=shown, total=total)
