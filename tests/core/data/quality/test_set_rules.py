"""Rules about sets: sizes, duplicates, overlap, masks."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings, strategies as st

from core.data.examples import identity
from core.data.examples.sets import ExampleSet
from core.data.quality import set_rules
from core.messages import Example, Finding, Message
from tests.support.series import series


def example(text: str, line: int = 1, split: str = "train", weight: int | None = None) -> Example:
    answer = Message("assistant", f"answer {text}", weight)  # type: ignore[arg-type]
    return Example((Message("user", text), answer), "src", line, split)  # type: ignore[arg-type]


def many(count: int) -> list[Example]:
    return [example(f"question {n}", n) for n in range(count)]


def check(examples: Iterable[Example]) -> list[Finding]:
    seen = ExampleSet()
    for item in examples:
        seen.feed(item)
    return set_rules.check_set(seen)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "too_few_examples"), (9, "too_few_examples"), (10, "few_examples"), (49, "few_examples"), (50, None)],
)
def test_sizes(count: int, expected: str | None) -> None:
    assert [item.code for item in check(many(count))] == ([expected] if expected else [])


def test_the_validation_part_does_not_count_as_training() -> None:
    examples = [example(f"q {n}", split="validation") for n in range(60)]
    assert [item.code for item in check(examples)] == ["too_few_examples"]


def test_duplicates_are_named_by_their_lines() -> None:
    examples = [*many(60), example("question 3", 103), example("question 3", 104), example("question 5", 105)]
    found = check(examples)
    assert [item.code for item in found] == ["duplicate_examples"]
    assert found[0].rows == (3, 5, 103, 104, 105)
    assert found[0].message.startswith("3 redundant examples in 2 groups")


def test_a_line_with_several_copies_is_named_once_and_examples_without_a_line_are_not() -> None:
    written = [example("question 7", 0), example("question 7", 0)]
    found = check([*many(60), example("question 3", 3), example("question 3", 3), *written])
    assert found[0].rows == (3, 7)


def test_overlap_of_training_and_validation() -> None:
    found = check([*many(60), example("question 3", 3, "validation")])
    assert {item.code for item in found} == {"duplicate_examples", "validation_overlap"}


def test_a_set_without_any_loss_is_an_error() -> None:
    found = check([example(f"q {n}", weight=0) for n in range(60)])
    assert [(item.code, item.severity) for item in found] == [("set_all_masked", "error")]
    assert check([*many(59), example("q", weight=0)]) == []


EXAMPLES = st.builds(
    lambda asked, weight, line, split: Example(
        (Message("user", f"Q{asked}"), Message("assistant", "A", weight=weight)), "s", line, split
    ),
    st.integers(0, 15),
    st.sampled_from([None, 0, 0, 1]),
    st.integers(0, 40),
    st.sampled_from(["train", "train", "validation"]),
)


@settings(max_examples=series(100), deadline=None)
@given(st.lists(EXAMPLES, max_size=70))
def test_every_way_of_feeding_a_set_finds_the_same(examples: list[Example]) -> None:
    one, stored, decoded = ExampleSet(), ExampleSet(), ExampleSet()
    for item in examples:
        text = identity.stored(item.messages)
        one.feed(item)
        stored.feed_stored(text, item.source_line, item.split)
        masked = int(item.messages[1].weight == 0)
        key = identity.decoded_key(item)
        decoded.add((key,), range(item.source_line, item.source_line + 1), split=item.split, masked=masked)
    assert set_rules.check_set(one) == set_rules.check_set(stored) == set_rules.check_set(decoded)
