"""The report of a tuned model and its base in one evaluation: their figures and answers, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from core.errors import NotFound
from core.services.serving.evaluating import reading, scoring
from core.serving import evaluation as metrics
from core.serving.evaluation import OF_OBJECTS, ConfusionMatrix, Graded, Score
from core.serving.evaluations import measured, store
from core.serving.evaluations.records import EvaluationRecord, ModelSummary

_REMEMBERED: Final = 16  # reports of this process; what came out of an evaluation that ended never changes


@dataclass(frozen=True, slots=True)
class BaseAndTuned:
    """One figure of both models."""

    title: str
    base: Score
    tuned: Score


@dataclass(frozen=True, slots=True)
class AnsweredExample:
    """One example with the answers of both models."""

    split: str
    question: str
    expected: str
    base: str
    tuned: str


@dataclass(frozen=True, slots=True)
class GradedField:
    """One field of the expected object as JSON text, with both answers' values; None where an answer lacks it."""

    name: str
    expected: str
    base: str | None
    tuned: str | None
    base_right: bool
    tuned_right: bool


@dataclass(frozen=True, slots=True)
class GradedQuestion:
    """One example with both answers, field by field."""

    asked: AnsweredExample
    fields: tuple[GradedField, ...]

    @property
    def tuned_right(self) -> bool:
        return bool(self.fields) and all(field.tuned_right for field in self.fields)


@dataclass(frozen=True, slots=True)
class PartReport:
    """The figures of one split, where all examples were asked, else of the examples with one source.

    Attributes:
        part: the split or the source; "" where the evaluation has no parts.
        questions: empty where the dataset was deleted.
        tuned_matrix: of the first field with few labels; None if there is none.
    """

    part: str
    figures: tuple[BaseAndTuned, ...]
    questions: tuple[GradedQuestion, ...]
    tuned_matrix: ConfusionMatrix | None


def report(evaluation: EvaluationRecord) -> tuple[PartReport, ...]:
    """The report of the first tuned model and the first base of an evaluation, in the order of its parts.

    Empty until the evaluation has ended, and where it lacks one of the two.
    """
    return _report(evaluation.id) if evaluation.summary is not None else ()


def newest_report(evaluation: EvaluationRecord) -> tuple[PartReport, ...]:
    """The report of the newest evaluation that asked its first model the same split, and has the same parts: what the
    scores of that model are. Empty until this one has ended."""
    own = report(evaluation)
    for one in measured.of_models([measured.own_id(evaluation.models[0].id)]) if own else ():
        if (one.dataset_id, one.split) == (evaluation.dataset_id, evaluation.split):
            found = _report(one.evaluation_id)
            return found if [part.part for part in found] == [part.part for part in own] else own
    return own


@lru_cache(maxsize=_REMEMBERED)
def _report(evaluation_id: str) -> tuple[PartReport, ...]:
    evaluation = store.get(evaluation_id)
    summary = evaluation.summary
    first = {model.kind: model.id for model in reversed(evaluation.models)}
    if summary is None or not {"base", "tuned"} <= first.keys():
        return ()
    base, tuned = summary.of(first["base"]), summary.of(first["tuned"])
    if base is None or tuned is None:
        return ()
    asked = list(_examples(evaluation, first["base"], first["tuned"]))
    return tuple(
        _part(part, _pairs(base, tuned, part, summary.main), [item for of, item in asked if not part or of == part])
        for part in (*tuned.parts,) or ("",)
    )


def answered_right(model_id: str) -> frozenset[tuple[str, str]]:
    """(split, input) of what a tuned model answered right in the newest evaluation of each split."""
    right: set[tuple[str, str]] = set()
    for one in measured.of_models([measured.own_id(model_id)]):
        evaluation = store.get(one.evaluation_id)
        contestant = next(each.id for each in evaluation.models if measured.own_id(each.id) == one.model_id)
        values = {
            answer.position: scoring.value_of(answer, one.summary.main) or 0.0
            for answer in store.answers(evaluation.id, model_id=contestant, suite="")
        }
        best = [position for position, value in values.items() if value >= 1]
        try:
            found = reading.questions_at(evaluation, "", best)
        except NotFound:  # the dataset was deleted
            continue
        right |= {(question.split, question.text) for question in found.values()}
    return frozenset(right)


def _examples(evaluation: EvaluationRecord, base: str, tuned: str) -> Iterator[tuple[str, AnsweredExample]]:
    """The examples that both answered, each with its part."""
    answers = {
        model: {one.position: one.answer for one in store.answers(evaluation.id, model_id=model, suite="")}
        for model in (base, tuned)
    }
    both = sorted(answers[base].keys() & answers[tuned].keys())
    try:
        questions = reading.questions_at(evaluation, "", both)
    except NotFound:  # the dataset was deleted with its examples
        return
    for position, question in questions.items():
        texts = (answers[model][position] for model in (base, tuned))
        part = question.source if evaluation.split else question.split
        yield part, AnsweredExample(question.split, question.text, question.expected, *texts)


def _pairs(base: ModelSummary, tuned: ModelSummary, part: str, main: str) -> tuple[BaseAndTuned, ...]:
    """The figures of fields, the strictest one last; of answers that are not objects the main figure alone."""
    ours, theirs = (of.parts.get(part, ()) if part else of.scores for of in (tuned, base))
    wanted = OF_OBJECTS if any(score.metric in OF_OBJECTS for score in ours) else (main,)
    others = {(score.metric, score.title): score for score in theirs}
    return tuple(
        BaseAndTuned(score.title, others[key], score)
        for metric in wanted
        for score in ours
        if score.metric == metric and (key := (score.metric, score.title)) in others
    )


def _part(part: str, figures: tuple[BaseAndTuned, ...], asked: Sequence[AnsweredExample]) -> PartReport:
    tuned = [Graded(item.expected, item.tuned) for item in asked]
    field = metrics.label_field(tuned)
    return PartReport(
        part=part,
        figures=figures,
        questions=tuple(map(_graded, asked)),
        tuned_matrix=metrics.confusion(tuned, field) if field else None,
    )


def _graded(asked: AnsweredExample) -> GradedQuestion:
    base = metrics.graded_fields(asked.expected, asked.base)
    tuned = metrics.graded_fields(asked.expected, asked.tuned)
    pairs = zip(base, tuned, strict=True)
    return GradedQuestion(
        asked, tuple(GradedField(one.name, one.expected, one.given, it.given, one.right, it.right) for one, it in pairs)
    )
