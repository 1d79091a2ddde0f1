"""Rules about sets: sizes, duplicates, overlap, masks."""

from __future__ import annotations

import pytest

from core.data.quality.rules import RULES, check_set, fingerprint
from core.messages import Example, Message


def example(text: str, line: int = 1, split: str = "train", weight: int | None = None) -> Example:
    answer = Message("assistant", f"answer {text}", weight)  # type: ignore[arg-type]
    return Example((Message("user", text), answer), "src", line, split)  # type: ignore[arg-type]


def many(count: int) -> list[Example]:
    return [example(f"question {n}", n) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "error"), (1, "error"), (9, "error"), (10, "warning"), (49, "warning"), (50, None)]
)
def test_sizes(count: int, expected: str | None) -> None:
    found = [(item.code, item.severity) for item in check_set(many(count))]
    assert found == ([("too_few_examples", expected)] if expected else [])


def test_the_validation_part_does_not_count_as_training() -> None:
    examples = [example(f"q {n}", split="validation") for n in range(60)]
    assert [item.code for item in check_set(examples)] == ["too_few_examples"]


def test_duplicates_are_named_by_their_lines() -> None:
    examples = [*many(60), example("question 3", 103), example("question 3", 104), example("question 5", 105)]
    found = check_set(examples)
    assert [item.code for item in found] == ["duplicate_examples"]
    assert found[0].rows == (3, 5, 103, 104, 105)
    assert found[0].message.startswith("3 examples are")


def test_a_blank_or_a_weight_makes_another_example() -> None:
    first = example("q")
    assert fingerprint(first) == fingerprint(example("q", line=9))
    assert fingerprint(first) != fingerprint(example("q "))
    assert fingerprint(first) != fingerprint(example("q", weight=0))


def test_overlap_of_training_and_validation() -> None:
    found = check_set([*many(60), example("question 3", 3, "validation")])
    assert {item.code for item in found} == {"duplicate_examples", "validation_overlap"}


def test_a_set_without_any_loss_is_an_error() -> None:
    found = check_set([example(f"q {n}", weight=0) for n in range(60)])
    assert [(item.code, item.severity) for item in found] == [("all_masked", "error")]
    assert check_set([*many(59), example("q", weight=0)]) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_survives_an_empty_set(rule: str) -> None:
    list(RULES[rule]().finish())
