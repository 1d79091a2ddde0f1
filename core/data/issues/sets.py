"""What can be wrong with a set as a whole, whatever its examples say."""

from __future__ import annotations

from functools import partial
from typing import Final

from core.data.examples.sets import ExampleSet
from core.data.issues.issue import ISSUES, Issue, ScoreShare, Verdict

MINIMUM_EXAMPLES: Final = 10
RECOMMENDED_EXAMPLES: Final = 50

_set = partial(Issue, subject="The set", scope="set")


def too_few(seen: ExampleSet) -> Verdict | None:
    """Fewer training examples than training needs."""
    return Verdict(seen.train) if seen.train < MINIMUM_EXAMPLES else None


def few(seen: ExampleSet) -> Verdict | None:
    """Enough to train, but fewer than recommended."""
    return Verdict(seen.train) if MINIMUM_EXAMPLES <= seen.train < RECOMMENDED_EXAMPLES else None


def all_masked(seen: ExampleSet) -> Verdict | None:
    """No assistant message of the set carries loss."""
    return Verdict(len(seen)) if len(seen) and seen.masked == len(seen) else None


# fmt: off
ISSUES.add(_set("too_few_examples", "Too few examples", "error",
    f"{{labeled_examples}} for training; at least {MINIMUM_EXAMPLES} are needed, {RECOMMENDED_EXAMPLES} or more "
    "are recommended.",
    "Add examples: write some by hand, import more rows, or let a model write variations.",
    share=ScoreShare("amount", 0), rule=too_few))
ISSUES.add(_set("few_examples", "Few examples", "warning",
    f"{{labeled_examples}} for training; {RECOMMENDED_EXAMPLES} or more are recommended, because with "
    "fewer, a model memorizes them instead of learning the pattern.",
    "Add examples: write some by hand, import more rows, or let a model write variations.",
    share=ScoreShare("amount", 0), rule=few))
ISSUES.add(_set("set_all_masked", "No loss in the set", "error",
    "Every assistant message in the set has weight 0, so nothing is learned.",
    "Set the weight of the answers to be learned to 1.", rule=all_masked))
