"""Rules about a set of examples as a whole. Each sees the examples go by once and then says what it found.

A new rule is a class with an id, `feed` and `finish`, plus a line in RULES.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from core.data.findings import finding
from core.messages import Example, Finding

MINIMUM_EXAMPLES = 10
RECOMMENDED_EXAMPLES = 50
VERSION = 1  # grows when a rule changes what it finds: older datasets are then "not validated"
LISTED = 20  # groups of duplicates named one by one


class Rule(Protocol):
    """One thing to know about a set."""

    def feed(self, example: Example) -> None: ...

    def finish(self) -> Iterator[Finding]: ...


class TooFew:
    """Fewer than 10 is an error; fewer than 50 a warning."""

    def __init__(self) -> None:
        self.count = 0

    def feed(self, example: Example) -> None:
        self.count += example.split == "train"

    def finish(self) -> Iterator[Finding]:
        yield from too_few(self.count)


class Duplicates:
    """Examples whose messages are the same, to the character; and those that stand in both splits."""

    def __init__(self) -> None:
        self._lines: dict[bytes, list[int]] = {}
        self._splits: dict[bytes, set[str]] = {}

    def feed(self, example: Example) -> None:
        key = fingerprint(example)
        self._lines.setdefault(key, []).append(example.source_line)
        self._splits.setdefault(key, set()).add(example.split)

    def finish(self) -> Iterator[Finding]:
        groups = [lines for lines in self._lines.values() if len(lines) > 1]
        yield from duplicates(sum(len(lines) - 1 for lines in groups), groups[:LISTED])
        both = [key for key, splits in self._splits.items() if len(splits) > 1]
        yield from overlap(len(both), [self._lines[key] for key in both[:LISTED]])


class AllMasked:
    """A set in which no assistant message carries loss cannot teach anything."""

    def __init__(self) -> None:
        self._count = self._masked = 0

    def feed(self, example: Example) -> None:
        self._count += 1
        self._masked += all(message.weight == 0 for message in example.messages if message.role == "assistant")

    def finish(self) -> Iterator[Finding]:
        yield from all_masked(self._count, self._masked)


# ---- what the rules say, once they have counted


def too_few(count: int) -> Iterator[Finding]:
    """What is to be said about a training part of `count` examples."""
    pairs = f"{count} labeled example{'' if count == 1 else 's'}"
    if count < MINIMUM_EXAMPLES:
        text = f"{pairs}: training needs at least {MINIMUM_EXAMPLES}."
        yield finding("too_few_examples", text)
    elif count < RECOMMENDED_EXAMPLES:
        text = (
            f"{pairs}: it works, but a model that sees so few repeats them rather than learning the pattern; "
            f"{RECOMMENDED_EXAMPLES} or more are recommended."
        )
        yield finding("too_few_examples", text, severity="warning")


def duplicates(spare: int, groups: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """`spare` examples are copies of others; `groups`: the lines of the first groups of equal ones."""
    if spare:
        text = f"{spare} example{'s are' if spare > 1 else ' is'} an exact duplicate of another."
        rows = sorted(line for lines in groups for line in lines)
        yield finding("duplicate_examples", text, line=groups[0][0] or None, rows=rows)


def overlap(count: int, groups: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """`count` examples stand in both parts; `groups`: the lines of the first of them."""
    if count:
        text = f"{count} example{'s stand' if count > 1 else ' stands'} in training and in validation."
        yield finding("validation_overlap", text, rows=sorted(line for lines in groups for line in lines))


def all_masked(count: int, masked: int) -> Iterator[Finding]:
    """`masked` of `count` examples carry no loss at all."""
    if count and masked == count:
        text = "No assistant message in the whole set carries loss: every weight is 0."
        yield finding("all_masked", text, severity="error")


RULES: dict[str, Callable[[], Rule]] = {
    "too_few": TooFew,
    "duplicates": Duplicates,
    "all_masked": AllMasked,
}


class SetChecker:
    """All rules at once over a stream of examples."""

    def __init__(self) -> None:
        self._rules = [make() for make in RULES.values()]

    def feed(self, example: Example) -> None:
        for rule in self._rules:
            rule.feed(example)

    def finish(self) -> Iterator[Finding]:
        for rule in self._rules:
            yield from rule.finish()


def check_set(examples: Iterable[Example]) -> list[Finding]:
    """What the rules say about these examples as a set."""
    checker = SetChecker()
    for example in examples:
        checker.feed(example)
    return list(checker.finish())


def fingerprint(example: Example) -> bytes:
    """16 bytes that are the same for examples whose messages are the same."""
    text = json.dumps([message.to_dict() for message in example.messages], sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
