"""The scores of models: one definition for cards, screens, lineage, command line, API and model cards.

The score of a model is the main figure of the newest evaluation of its dataset's test split; where that was never
asked, of the held-out examples, else of the training examples. Archived evaluations do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from core.services.training.models.records import ModelRecord, ModelScore
from core.serving.evaluation import Score
from core.serving.evaluations import measured
from core.serving.evaluations.measured import ModelMeasurement
from core.serving.evaluations.records import ModelSummary

_SPLITS: Final = {  # the one that is the score first
    "test": "Test split",
    "validation": "Held-out examples",
    "train": "Training examples",
    "": "All examples",
}
_Figures = tuple[Sequence[Score], Sequence[Score]]  # of the model, and of its base


def scores(model: ModelRecord) -> tuple[ModelScore, ...]:
    """The scores of one model, the main one first; empty if it was not evaluated on its dataset."""
    return scores_of([model])[model.id]


def scores_of(models: Sequence[ModelRecord]) -> dict[str, tuple[ModelScore, ...]]:
    """The scores of several models by id, with one query."""
    dataset = {model.id: model.dataset_id for model in models}
    found: dict[str, list[ModelMeasurement]] = defaultdict(list)
    for one in measured.of_models(dataset):
        if one.dataset_id == dataset[one.model_id]:
            found[one.model_id].append(one)
    return {model.id: _scores(model, found[model.id]) for model in models}


def _scores(model: ModelRecord, newest_first: Sequence[ModelMeasurement]) -> tuple[ModelScore, ...]:
    by_split: dict[str, tuple[ModelMeasurement, _Figures]] = {}
    for one in newest_first:
        for split, figures in _by_split(one, model):
            by_split.setdefault(split, (one, figures))
    found: list[ModelScore] = []
    rest: list[ModelScore] = []
    for split, title in _SPLITS.items():
        if split not in by_split:
            continue
        one, (tuned, base) = by_split[split]
        score = next((score for score in tuned if score.metric == one.summary.main), None)
        if score is None:
            continue
        is_first = not found
        found.append(ModelScore(f"{title}: {score.title}", score, _same(score, base), one.evaluation_id, main=is_first))
        if is_first:
            others = (other for other in tuned if other is not score)
            rest = [ModelScore(other.title, other, _same(other, base), one.evaluation_id) for other in others]
            rest += _by_source(one, model) if one.split else ()
    return (*found, *rest)


def _by_split(one: ModelMeasurement, model: ModelRecord) -> Iterator[tuple[str, _Figures]]:
    """The figures of both models on each split that an evaluation asked."""
    tuned, base = _summaries(one, model)
    if tuned is None:
        return
    if one.split or not tuned.parts:
        yield one.split, (tuned.scores, base.scores if base else ())
        return
    for split, scores in tuned.parts.items():
        yield split, (scores, base.parts.get(split, ()) if base else ())


def _by_source(one: ModelMeasurement, model: ModelRecord) -> list[ModelScore]:
    tuned, base = _summaries(one, model)
    return [
        ModelScore(score.title, score, _same(score, base.parts.get(part, ()) if base else ()), one.evaluation_id,
                   part=part)
        for part, scores in (tuned.parts.items() if tuned else ())
        for score in scores
    ]  # fmt: skip


def _summaries(one: ModelMeasurement, model: ModelRecord) -> tuple[ModelSummary | None, ModelSummary | None]:
    """The figures of the model, and of its base."""
    found = {measured.own_id(each.model_id): each for each in one.summary.models}
    return found.get(model.id), found.get(model.base_model) or found.get(model.base_there)


def _same(score: Score, others: Sequence[Score]) -> Score | None:
    """The figure of another model that is compared with a figure."""
    return next((other for other in others if (other.metric, other.title) == (score.metric, score.title)), None)
