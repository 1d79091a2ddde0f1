"""Answers that should be JSON objects: which are, and which of their fields are right."""

from __future__ import annotations

import json

import pytest

from core.serving import evaluation
from core.serving.evaluation import EVALUATION_METRICS, EvaluationMetric, Graded, Score
from tests.support.registry import registered

WANTED = '{"team": "billing", "urgent": true, "product": "Finch Lamp"}'


def figures(answer: str, expected: str = WANTED) -> dict[str, int | None]:
    return {figure.title: figure.right for figure in evaluation.object_figures([Graded(expected, answer)])}


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (WANTED, (1, 1, 1, 1, 1)),
        ('  {"product":"Finch Lamp","urgent":true,"team":"billing"}\n', (1, 1, 1, 1, 1)),  # order and blanks aside
        ('{"team": "shipping", "urgent": true, "product": "Finch Lamp"}', (1, 0, 1, 1, 0)),
        ('{"team": "billing", "urgent": 1, "product": "finch lamp"}', (1, 1, 0, 0, 0)),  # 1 is not true
        ('{"team": "billing", "urgent": "true"}', (1, 1, 0, 0, 0)),
        (WANTED[:-1] + ', "note": ""}', (1, 1, 1, 1, 0)),  # one field too many
        ("Sure! " + WANTED, (0, 0, 0, 0, 0)),
        (WANTED + "}", (0, 0, 0, 0, 0)),
        ('{"team": NaN}', (0, 0, 0, 0, 0)),
        ('["billing"]', (0, 0, 0, 0, 0)),
        ("[" * 100_000, (0, 0, 0, 0, 0)),
        ("", (0, 0, 0, 0, 0)),
    ],
)
def test_an_answer_is_graded_by_field(answer: str, right: tuple[int, ...]) -> None:
    titles = ("Valid JSON", "Field: team", "Field: urgent", "Field: product", "All fields right")
    assert figures(answer) == dict(zip(titles, right, strict=True))


def test_outputs_that_are_no_objects_have_no_such_figures() -> None:
    assert figures("Shipping costs 4 euros.", "Shipping costs 4 euros.") == {}
    assert evaluation.figures([]) == ()


def test_a_field_that_some_examples_lack_is_counted_where_it_is_expected() -> None:
    graded = [Graded('{"a": 1, "b": 2}', '{"a": 1, "b": 3}'), Graded('{"a": 2}', '{"a": 2}')]
    by_title = {figure.title: (figure.right, figure.total) for figure in evaluation.object_figures(graded)}
    assert by_title == {
        "Valid JSON": (2, 2), "Field: a": (2, 2), "Field: b": (0, 1), "All fields right": (1, 2),
    }  # fmt: skip


def test_the_confusion_matrix_counts_expected_by_answered() -> None:
    said = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("a", "c"), ("b", None)]
    graded = [
        Graded(json.dumps({"id": n, "kind": expected}), json.dumps({"kind": given}) if given else "?")
        for n, (expected, given) in enumerate(said)
    ]
    assert evaluation.label_field(graded) == "kind"  # the number is different each time
    matrix = evaluation.confusion(graded, "kind")
    assert (matrix.labels, matrix.columns) == (("a", "b"), ("a", "b", "other"))
    assert matrix.counts == ((1, 1, 1), (0, 2, 1))
    assert evaluation.label_field([Graded('{"x": 1}', "")]) is None


def test_a_new_metric_is_one_file_and_one_line() -> None:
    def shortest(graded: list[Graded]) -> tuple[Score, ...]:
        return (Score.count("Short", sum(len(item.answer) < 3 for item in graded), len(graded)),)

    def titles() -> list[str]:
        return [figure.title for figure in evaluation.figures([Graded("", "ok")])]

    with registered(EVALUATION_METRICS, EvaluationMetric("short", "Short", "At most two characters.", shortest)):
        assert "Short" in titles()
    assert "Short" not in titles()
