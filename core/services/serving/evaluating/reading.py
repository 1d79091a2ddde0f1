"""What screens, API and command line show of evaluations: cases, worst first; confusion matrices; the leaderboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import NotFound
from core.services.data import datasets
from core.services.serving.evaluating import questions, scoring
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluation import (
    EVALUATION_METRICS,
    ConfusionMatrix,
    Graded,
    Score,
    confusion,
    label_confusion,
    label_field,
)
from core.serving.evaluation.suites import SUITES
from core.serving.evaluations import store
from core.serving.evaluations.records import AnswerRecord, EvaluationRecord, ModelSummary

_BOARD: Final = 500  # evaluations that a leaderboard reads


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One question with the answers of all models; `value` is the main metric's of the model that it is sorted by."""

    question: EvaluationQuestion
    answers: Mapping[str, AnswerRecord]
    value: float

    @property
    def key(self) -> str:
        """Names it in an address."""
        return f"{self.question.suite or 'dataset'}-{self.question.position}"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One model of a dataset's leaderboard, by its newest evaluation on a split."""

    model_id: str
    title: str
    score: Score
    seconds: float | None
    evaluation_id: str
    evaluated_at: float


def cases(
    evaluation: EvaluationRecord, model_id: str, *, suite: str = "", offset: int = 0, limit: int = 10
) -> tuple[list[AnsweredQuestion], int]:
    """A page of the cases of one model, the worst first, and how many there are.

    Of equal ones those that the model it is compared with answered better are first.

    Raises:
        NotFound: the dataset was deleted.
    """
    metric = scoring.PASSED if suite else _main(evaluation)
    lower = not suite and EVALUATION_METRICS.get(metric).direction == "lower"
    every = store.answers(evaluation.id, suite=suite)
    of: dict[int, dict[str, AnswerRecord]] = {}
    for answer in every:
        of.setdefault(answer.position, {})[answer.model_id] = answer

    def badness(position: int) -> tuple[float, float, int]:
        mine, other = of[position].get(model_id), of[position].get(evaluation.settings.against)
        value = scoring.value_of(mine, metric) or 0.0 if mine else 0.0
        better = scoring.value_of(other, metric) or 0.0 if other else 0.0
        return (-value, better, position) if lower else (value, -better, position)

    order = sorted((position for position in of if model_id in of[position]), key=badness)
    chosen = order[offset : offset + limit]
    asked = questions_at(evaluation, suite, chosen)
    found = [
        AnsweredQuestion(asked[position], of[position], scoring.value_of(of[position][model_id], metric) or 0.0)
        for position in chosen
        if position in asked
    ]
    return found, len(order)


def answer_counts(evaluation_id: str) -> dict[str, int]:
    """How many answers of each model are stored, by its id; judgments under `questions.JUDGES`."""
    found: Counter[str] = Counter()
    for (model_id, suite), count in store.counted(evaluation_id).items():
        found[questions.JUDGES if suite.startswith(questions.JUDGES) else model_id] += count
    return dict(found)


def matrix(evaluation: EvaluationRecord, model_id: str) -> ConfusionMatrix | None:
    """The confusion matrix of a model: of labels, or of the first field with few values; None if there are neither."""
    answers = {answer.position: answer for answer in store.answers(evaluation.id, model_id=model_id, suite="")}
    try:
        asked = questions_at(evaluation, "", list(answers))
    except NotFound:
        return None
    graded = [Graded(asked[position].expected, answer.answer) for position, answer in answers.items()
              if position in asked]  # fmt: skip
    if labels := label_confusion(graded):
        return labels
    field = label_field(graded)
    return confusion(graded, field) if field else None


def leaderboard(dataset_id: str, split: str = "test") -> list[BoardRow]:
    """The models that were evaluated on a split of a dataset, the best first, each by its newest evaluation.

    Only evaluations with the metric of the newest one are compared, because others have another scale.
    """
    found, _ = store.listed(dataset_id=dataset_id, limit=_BOARD)
    ended = [one for one in found if one.summary is not None and one.split == split]
    if not ended:
        return []
    metric = _main(ended[0])
    rows: dict[str, BoardRow] = {}
    for evaluation in ended:
        assert evaluation.summary is not None
        for model in evaluation.summary.models:
            score = model.score(metric)
            if model.model_id not in rows and score is not None:
                title = evaluation.title_of(model.model_id)
                rows[model.model_id] = BoardRow(
                    model.model_id, title, score, seconds_of(model), evaluation.id, evaluation.created_at
                )
    lower = EVALUATION_METRICS.get(metric).direction == "lower"
    return sorted(rows.values(), key=lambda row: row.score.value if lower else -row.score.value)


def boards() -> list[tuple[str, str, str]]:
    """(dataset, its name, split) of every dataset with finished evaluations, test splits first, then the newest."""
    found, _ = store.listed(limit=_BOARD)
    ended = ((one.dataset_id, one.dataset_name, one.split) for one in found if one.summary is not None)
    return sorted(dict.fromkeys(ended), key=lambda board: board[2] != "test")


def seconds_of(model: ModelSummary) -> float | None:
    """The median seconds of its answers; None where they were not measured."""
    score = model.score("latency")
    return score.value if score else None


def _main(evaluation: EvaluationRecord) -> str:
    return evaluation.summary.main if evaluation.summary else evaluation.metrics[0]


def questions_at(evaluation: EvaluationRecord, suite: str, positions: Sequence[int]) -> dict[int, EvaluationQuestion]:
    """The questions at these positions. Raises NotFound: the dataset was deleted."""
    if suite:
        items = SUITES.get(suite).items
        return {at: EvaluationQuestion(suite, at, items[at].messages, check=items[at].check)
                for at in positions if at < len(items)}  # fmt: skip
    found = {}
    for record in datasets.examples_at(evaluation.dataset_version_id, positions):
        asked = EvaluationQuestion.of(record.position, record.example)
        if asked is not None:
            found[record.position] = asked
    return found
