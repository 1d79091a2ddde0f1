"""The test of a model on its dataset's test split, as a background task, and the report of its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.models.thinking import matches
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training.models import exact_match, testing
from core.services.training.models.reader import get_model
from core.services.training.results import SplitTestResult, TestedQuestion
from core.serving import evaluation
from core.serving.evaluation import ConfusionMatrix, Graded, Score

TEST_SPLIT: Final = "test_split"


@dataclass(frozen=True, slots=True)
class BaseAndTuned:
    """One figure of both models."""

    title: str
    base: Score
    tuned: Score


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
    """One example of the test with both answers, field by field."""

    asked: TestedQuestion
    fields: tuple[GradedField, ...]

    @property
    def tuned_right(self) -> bool:
        return bool(self.fields) and all(field.tuned_right for field in self.fields)


@dataclass(frozen=True, slots=True)
class PartReport:
    """The figures of the examples with one source.

    Attributes:
        part: the source.
        tuned_matrix: of the first field with few labels; None if there is none.
    """

    part: str
    figures: tuple[BaseAndTuned, ...]
    questions: tuple[GradedQuestion, ...]
    tuned_matrix: ConfusionMatrix | None


def test_on_split(model_id: str) -> TaskRecord:
    """Ask base and tuned model every example of the dataset's test split, as a background task.

    Returns the running test if there is one.
    """
    return testing.start(TEST_SPLIT, model_id)


def split_test_after(job_id: str, dataset_version_id: str, title: str, after_task_id: str | None = None) -> TaskRecord:
    """Create (or find) the test of a job's model on the test split; it may wait for the job's own task."""
    return testing.start_after(TEST_SPLIT, job_id, dataset_version_id, title, after_task_id)


def split_report(model_id: str) -> tuple[PartReport, ...]:
    """The report of the newest finished test of a model on its test split; empty if there is none."""
    tests = tasks.list_about(TEST_SPLIT, job_id=get_model(model_id).job_id)
    newest = next((task for task in tests if task.state == "succeeded"), None)
    return report(SplitTestResult.of(newest).questions) if newest else ()


def answered_right(model_id: str) -> frozenset[tuple[str, str]]:
    """(split, question) of what the tuned model answered as expected in its newest tests."""
    by_field = [item.asked for part in split_report(model_id) for item in part.questions if item.tuned_right]
    exact = exact_match.test_result(model_id)
    whole = [asked for asked in (exact.samples if exact else ()) if matches(asked.tuned, asked.expected)]
    return frozenset((asked.split, asked.question) for asked in (*by_field, *whole))


def report(questions: Sequence[TestedQuestion]) -> tuple[PartReport, ...]:
    """The figures of a test, one report per source of the examples, in the order of their first appearance."""
    parts = dict.fromkeys(question.part for question in questions)
    return tuple(_part(part, [question for question in questions if question.part == part]) for part in parts)


def _part(part: str, questions: Sequence[TestedQuestion]) -> PartReport:
    base = [Graded(question.expected, question.base) for question in questions]
    tuned = [Graded(question.expected, question.tuned) for question in questions]
    pairs = zip(evaluation.object_figures(base), evaluation.object_figures(tuned), strict=True)
    field = evaluation.label_field(tuned)
    return PartReport(
        part=part,
        figures=tuple(BaseAndTuned(one.title, one, other) for one, other in pairs),
        questions=tuple(_graded(question) for question in questions),
        tuned_matrix=evaluation.confusion(tuned, field) if field else None,
    )


def _graded(question: TestedQuestion) -> GradedQuestion:
    base = evaluation.graded_fields(question.expected, question.base)
    tuned = evaluation.graded_fields(question.expected, question.tuned)
    pairs = zip(base, tuned, strict=True)
    return GradedQuestion(
        question,
        tuple(GradedField(one.name, one.expected, one.given, it.given, one.right, it.right) for one, it in pairs),
    )
