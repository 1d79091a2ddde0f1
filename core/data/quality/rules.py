"""Rules about a set of examples as a whole: each looks at what was counted and says what it found.

A new rule is a function and its place in RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from core.data.examples.sets import ExampleSet
from core.data.findings import finding
from core.messages import Finding
from core.text import plural

MINIMUM_EXAMPLES = 10
RECOMMENDED_EXAMPLES = 50
VERSION = 1  # grows when a rule changes what it finds: older datasets are then "not validated"
LISTED = 20  # groups of duplicates named one by one


def too_few(examples: ExampleSet) -> Iterator[Finding]:
    """Fewer than 10 is an error; fewer than 50 a warning."""
    count = examples.train
    pairs = plural(count, "labeled example")
    if count < MINIMUM_EXAMPLES:
        text = f"{pairs}: training needs at least {MINIMUM_EXAMPLES}."
        yield finding("too_few_examples", text)
    elif count < RECOMMENDED_EXAMPLES:
        text = (
            f"{pairs}: it works, but a model that sees so few repeats them rather than learning the pattern; "
            f"{RECOMMENDED_EXAMPLES} or more are recommended."
        )
        yield finding("too_few_examples", text, severity="warning")


def duplicates(examples: ExampleSet) -> Iterator[Finding]:
    """The same example more than once, and in both parts."""
    groups = examples.copies()
    if not groups:
        return
    spare = sum(len(group) - 1 for group in groups)
    text = f"{spare:,} example{'s are' if spare > 1 else ' is'} an exact duplicate of another."
    rows = _rows(examples, groups)
    yield finding("duplicate_examples", text, line=examples.lines(groups[0][:1])[0] or None, rows=rows)
    held_out = examples.held_out()
    both = [group for group in groups if 0 < held_out[group].sum() < len(group)]
    if both:
        text = f"{len(both):,} example{'s stand' if len(both) > 1 else ' stands'} in training and in validation."
        yield finding("validation_overlap", text, rows=_rows(examples, both))


def all_masked(examples: ExampleSet) -> Iterator[Finding]:
    """A set in which no assistant message carries loss cannot teach anything."""
    if len(examples) and examples.masked == len(examples):
        text = "No assistant message in the whole set carries loss: every weight is 0."
        yield finding("all_masked", text, severity="error")


RULES: Final[tuple[Callable[[ExampleSet], Iterator[Finding]], ...]] = (too_few, duplicates, all_masked)


def check_set(examples: ExampleSet) -> list[Finding]:
    """What the rules say about a set."""
    return [found for rule in RULES for found in rule(examples)]


def _rows(examples: ExampleSet, groups: Sequence[Sequence[int]]) -> list[int]:
    return sorted(line for group in groups[:LISTED] for line in examples.lines(group))
