"""The compact check of a set finds, word for word, what the rules find."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from core.data.editing.set_check import SetCheck
from core.data.quality.rules import SetChecker
from core.messages import Example, Message

EXAMPLES = st.builds(
    lambda asked, weight, line, split: Example(
        (Message("user", f"Q{asked}"), Message("assistant", "A", weight=weight)), "s", line, split
    ),
    st.integers(0, 15),
    st.sampled_from([None, 0, 0, 1]),
    st.integers(0, 40),
    st.sampled_from(["train", "train", "validation"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(EXAMPLES, max_size=70))
def test_the_findings_are_those_of_the_rules(examples: list[Example]) -> None:
    compact, rules = SetCheck(), SetChecker()
    for example in examples:
        compact.feed(example)
        rules.feed(example)
    assert list(compact.finish()) == list(rules.finish())
