"""An issue with its check, its fix and its share of the score is one file and one line; so is an editing operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from core.data.editing import OPERATIONS, Operation, operation_of
from core.data.editing.base import OperationSource, ResultExample, each
from core.data.editing.text import rewrite
from core.data.examples.sets import ExampleSet
from core.data.issues import ISSUES, Fix, Issue, ScoreShare, Verdict, document, finding
from core.data.issues.check import BaseCheck, Case, Hit
from core.data.issues.issue import positions
from core.data.quality.set_rules import check_set
from core.errors import DataError
from core.services.data import datasets, quality
from core.services.data.datasets import edits
from tests.support.quality import clean, pair
from tests.support.registry import registered

ROWS = (
    (
        "something that can be wrong with data",
        "core/data/issues/<subject>.py",
        "core/data/issues/<subject>.py: ISSUES.add(Issue(...))",
    ),
    ("an editing operation", "core/data/editing/<kind>.py", "core/data/editing/<kind>.py: @OPERATIONS.add"),
)


class ShoutCheck(BaseCheck):
    """Answers in capital letters."""

    def feed(self, case: Case) -> Iterator[Hit]:
        if case.answer.isupper():
            yield Hit("shouting", case.position, "Every letter is a capital.")


SHOUTING = Issue(
    "shouting",
    "Shouting answers",
    "warning",
    "{examples} shout{s}.",
    "Calm down.",
    (Fix("drop", "Silence {examples}", "Drops them.", "drop_rows", positions, drops_all=True),),
    ScoreShare("answers", 1.0),
    check=ShoutCheck,
    subject="Noise",
)


def odd_number(seen: ExampleSet) -> Verdict | None:
    """An odd number of examples."""
    return Verdict(len(seen)) if len(seen) % 2 else None


ODD = Issue("odd_number", "Odd number", "info", "{examples}: an odd number.", rule=odd_number, scope="set")


class Shout(Operation):
    """Every answer in capital letters."""

    id: ClassVar[str] = "shout"
    title: ClassVar[str] = "Shout the answers"

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        return each(rows, None, lambda entry: rewrite(entry.example, str.upper))

    def describe(self) -> str:
        return "Shouted."


def test_an_issue_with_a_check_and_a_fix_is_found_scored_fixed_and_documented(studio_env: Any) -> None:
    loud = [pair("What should I do with this parcel here?", "SEND IT BACK TO US TODAY, PLEASE, AND WRITE A NOTE.")]
    with registered(ISSUES, SHOUTING):
        dataset = datasets.create_dataset("Loud", [*clean(), *loud])
        report = quality.compute(dataset.version.id)
        issue = report.issue("shouting")
        assert issue is not None
        assert (issue.count, issue.severity, issue.title) == (1, "warning", "Shouting answers")
        assert issue.message == "1 example shouts. Example 121: Every letter is a capital."
        assert [action.title for action in issue.actions] == ["Silence 1 example"]
        assert next(part for part in report.parts if part.id == "answers").points < 15
        operation = quality.operation_for(dataset.version.id, "shouting", "drop")
        edits.apply(dataset.id, operation, base_version_id=dataset.version.id)
        assert datasets.get_dataset(dataset.id).examples == 120
        assert "| `shouting` | warning | Shouting answers | Examples shout. | Calm down. |" in document.findings()
        assert "Silence n examples" in document.quality()
        assert finding("shouting", "LOUD").remedy == "Calm down."
    assert "shouting" not in ISSUES


def test_a_rule_about_a_set_is_found_by_validation_and_by_the_report(studio_env: Any) -> None:
    with registered(ISSUES, ODD):
        seen = ExampleSet()
        for example in clean(51):
            seen.feed(example)
        assert [item.message for item in check_set(seen)] == ["51 examples: an odd number."]
        dataset = datasets.create_dataset("Odd", clean(51))
        assert datasets.finding_counts(dataset.version.id) == {"odd_number": 1}
        issue = quality.compute(dataset.version.id).issue("odd_number")
        assert issue is not None
        assert issue.message == "51 examples: an odd number."


def test_an_operation_is_read_back_and_applied(studio_env: Any) -> None:
    with registered(OPERATIONS, Shout):
        dataset = datasets.create_dataset("Quiet", clean(60))
        edits.apply(dataset.id, operation_of({"id": "shout"}), base_version_id=dataset.version.id)
        newest = datasets.get_dataset(dataset.id).version
        assert datasets.examples(newest.id).items[0].example.messages[1].content.isupper()
        assert edits.history(dataset.id)[0].what == "Shouted."
    with pytest.raises(DataError, match="Unknown editing operation: 'shout'"):
        operation_of({"id": "shout"})
