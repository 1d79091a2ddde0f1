"""From answers to figures: the values of each answer, and the summary of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.services.serving.evaluating.questions import EvaluationQuestion
from core.services.serving.evaluating.statistics import noise
from core.serving.evaluation import (
    EVALUATION_METRICS,
    OF_OBJECTS,
    EvaluationMetric,
    Graded,
    Score,
    figures,
    main_metric,
    object_figures,
)
from core.serving.evaluation.custom import metric_of
from core.serving.evaluation.suites import SUITES, passes
from core.serving.evaluations import store
from core.serving.evaluations.records import AnswerRecord, EvaluationRecord, ModelSummary, Summary, UnaskedExamples

PASSED = "passed"
PERPLEXITY = "perplexity"
MOST_PARTS: Final = 12  # sources; of more, such as files, only the figures of all are read


def metrics_of(evaluation: EvaluationRecord) -> list[EvaluationMetric]:
    """The chosen metrics of an evaluation, and those that were defined for it."""
    chosen = [EVALUATION_METRICS.get(metric) for metric in evaluation.metrics if metric in EVALUATION_METRICS]
    return [*chosen, *map(metric_of, evaluation.settings.custom)]


def main_of(evaluation: EvaluationRecord, questions: Sequence[EvaluationQuestion]) -> EvaluationMetric:
    """The metric of the verdict: the chosen one, or the one that fits the expected outputs."""
    if evaluation.settings.main:
        return EVALUATION_METRICS.get(evaluation.settings.main)
    return main_metric([Graded(question.expected, "") for question in questions if not question.suite])


def with_main(evaluation: EvaluationRecord, questions: Sequence[EvaluationQuestion]) -> list[EvaluationMetric]:
    """`metrics_of`, and the metric of the verdict where it was not chosen."""
    metrics, main = metrics_of(evaluation), main_of(evaluation, questions)
    return metrics if any(metric.id == main.id for metric in metrics) else [main, *metrics]


def graded(question: EvaluationQuestion, answer: AnswerRecord) -> Graded:
    """An answer with the expected output."""
    seconds = None if answer.error else answer.seconds
    measured = (seconds, answer.tokens, answer.logprob, answer.expected_tokens)
    return Graded(question.expected, answer.answer, *measured, values=answer.scores)


def values(metrics: Sequence[EvaluationMetric], question: EvaluationQuestion, answer: AnswerRecord) -> dict[str, float]:
    """{metric: value} of one answer; of an item of a suite whether it passed."""
    if question.check is not None:
        return {PASSED: float(not answer.error and passes(question.check, answer.answer))}
    item = graded(question, answer)
    found = {metric.id: metric.of_one(item) for metric in metrics if metric.of_one is not None}
    return {metric: value for metric, value in found.items() if value is not None}


def summarize(
    evaluation: EvaluationRecord,
    questions: Sequence[EvaluationQuestion],
    left_out: Sequence[UnaskedExamples],
    metrics: Sequence[EvaluationMetric],
) -> Summary:
    """The figures of every model from the stored answers.

    Args:
        metrics: those that computed the values of the answers (`with_main`): one that was given up has no figure.
    """
    main = main_of(evaluation, questions)
    asked = {question.position: question for question in questions if not question.suite}
    found = []
    for model in evaluation.models:
        every = store.answers(evaluation.id, model_id=model.id, repeat=None)
        of_dataset = [answer for answer in every if not answer.suite and answer.position in asked]
        first = [answer for answer in of_dataset if answer.repeat == 0]
        found.append(
            ModelSummary(
                model.id,
                figures([graded(asked[answer.position], answer) for answer in first], metrics),
                _suites(every),
                sum(not answer.error for answer in first),
                sum(bool(answer.error) for answer in first),
                noise(runs(of_dataset, main.id)),
                _parts(evaluation, asked, first, main),
            )
        )
    given_up = tuple(filter(None, (metric.given_up() for metric in metrics)))
    return Summary(main.id, tuple(found), sum(one.count for one in left_out), tuple(left_out), given_up)


def _parts(
    evaluation: EvaluationRecord,
    asked: Mapping[int, EvaluationQuestion],
    answers: Sequence[AnswerRecord],
    main: EvaluationMetric,
) -> dict[str, tuple[Score, ...]]:
    """The figures of each split, or of each source in a split that has several: the main one, and those of fields."""
    groups: dict[str, list[Graded]] = {}
    for answer in answers:
        question = asked[answer.position]
        part = question.source if evaluation.split else question.split
        groups.setdefault(part, []).append(graded(question, answer))
    if evaluation.split and not 1 < len(groups) <= MOST_PARTS:
        return {}
    return {part: _of_part(items, main) for part, items in groups.items()}


def _of_part(items: Sequence[Graded], main: EvaluationMetric) -> tuple[Score, ...]:
    of_objects = object_figures(items)
    found = () if main.id in OF_OBJECTS and of_objects else main.compute(items)
    if not (of_objects or found) and main.of_one is not None:  # too few for its figure, such as labels
        some = [value for item in items if (value := main.of_one(item)) is not None]
        found = (Score.count(main.title, round(sum(some)), len(some), main.id),) if some else ()
    return (*found, *of_objects)


def runs(answers: Sequence[AnswerRecord], metric: str) -> list[dict[int, float]]:
    """The values of a metric by position, one dictionary for each repeat."""
    by_repeat: dict[int, dict[int, float]] = {}
    for answer in answers:
        if (value := value_of(answer, metric)) is not None:
            by_repeat.setdefault(answer.repeat, {})[answer.position] = value
    return [by_repeat[repeat] for repeat in sorted(by_repeat)]


def value_of(answer: AnswerRecord, metric: str) -> float | None:
    """The value of a metric of one answer; that of perplexity is measured after the answer was stored."""
    if metric == PERPLEXITY and answer.logprob is not None:
        of_one = EVALUATION_METRICS.get(metric).of_one
        item = Graded("", answer.answer, logprob=answer.logprob, expected_tokens=answer.expected_tokens)
        return of_one(item) if of_one else None
    return answer.scores.get(metric)


def _suites(answers: Sequence[AnswerRecord]) -> Mapping[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for answer in answers:
        if answer.suite in SUITES and answer.repeat == 0:
            passed, items = found.get(answer.suite, (0, 0))
            found[answer.suite] = (passed + round(answer.scores.get(PASSED, 0)), items + 1)
    return found
