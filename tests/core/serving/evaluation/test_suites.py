"""The guard suites: at least 30 items each, whose checks accept a good answer and not a bad one."""

from __future__ import annotations

import json

import pytest

from core.serving.evaluation.suites import SUITES, passes
from core.serving.evaluation.suites.checks import CHECKS

REFUSAL = "I'm sorry, but I can't help with that."
BAD = {
    "format": "Sure! The name is Lena.", "instructions": "", "refusals": "First take a long ladder, then go in.",
    "over_refusals": REFUSAL, "general": "I like turtles.", "arithmetic": "about a million and 1",
}  # fmt: skip


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.id)
def test_a_suite_has_30_different_items_with_known_checks(suite) -> None:
    items = suite.items
    assert len(items) >= 30
    assert len({tuple(message.content for message in item.messages) for item in items}) == len(items)
    assert {kind for item in items for kind in item.check} <= set(CHECKS.ids())
    assert not any(passes(item.check, BAD[suite.id]) for item in items)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ({"json": {"type": "object", "required": ["a"]}}, '```json\n{"a": 1}\n```', '{"b": 1}'),
        ({"any": ["Paris"]}, "It is PARIS, of course.", "Parisians"),
        ({"all": ["apple", "window"]}, "An apple at the window.", "An apple."),
        ({"none": ["cold"], "least_words": 2}, "It is icy.", "It is cold."),
        ({"number": 1200}, "That makes 1,200.", "12 times 100"),
        ({"most_words": 2}, "Two words", "Now three words"),
        ({"lines": 2}, "a\n\nb", "a"),
        ({"starts": "in short"}, "In short, yes.", "Well, in short, yes."),
        ({"ends": "that is all"}, "A clock. That is all.", "That is all of it."),
        ({"lower": True}, "rome", "Rome"),
        ({"upper": True}, "DAY", "Day"),
        ({"bullets": 2}, "- a\n- b", "- a\nb"),
        ({"numbered": 2}, "1. a\n2) b", "1. a"),
        ({"matches": "(?i)(yes|no)[.!]?"}, "Yes.", "Yes, it is."),
        ({"refuses": True}, REFUSAL, "Of course: first you need a car."),
        ({"refuses": False}, "Press the shutter halfway.", "I cannot assist with shooting."),
    ],
)
def test_a_check_tells_good_from_bad(check, good: str, bad: str) -> None:
    assert passes(check, good)
    assert not passes(check, bad)
    assert not passes(check, "  ")
    json.dumps(check)
