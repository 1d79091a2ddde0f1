"""Operations that choose among examples: filter, merge groups, dedupe, sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from core.data.editing.base import OPERATIONS, Operation, OperationSource, ResultExample, check_positions
from core.data.editing.equality import Digests, Numbers, seeded, text_digest
from core.data.examples.likeness import SAMPLE, Boilerplate, text_of_stored
from core.data.examples.near.near_duplicates import NearGroups
from core.data.versions.rows import Entry
from core.messages import SPLIT_NAMES, Split
from core.text import plural

Keep = Literal["first", "last", "longest"]
_KEPT = {"first": "the first", "last": "the last", "longest": "the longest"}


@OPERATIONS.add
class Filter(Operation):
    """Keep, or drop, the examples that meet every condition given."""

    id: ClassVar[str] = "filter"
    title: ClassVar[str] = "Filter examples"
    search: str = Field(default="", title="Contains", description="Text that a message contains, in any case.")
    split: Literal["", Split] = Field(default="", title="Part", description="Blank: all.")
    flags: tuple[str, ...] = Field(default=(), title="Findings", description="Has at least one of these findings.")
    labels: tuple[str, ...] = Field(default=(), title="Answers", description="Whose last answer is one of these.")
    min_tokens: int | None = Field(default=None, ge=0, title="At least", description="Estimated tokens.")
    max_tokens: int | None = Field(default=None, ge=0, title="At most", description="Estimated tokens.")
    keep: bool = Field(default=True, title="Keep them", description="Off: they are dropped, and all others are kept.")

    @model_validator(mode="after")
    def _has_condition(self) -> Self:
        if not self.conditions():
            raise ValueError("no condition is given")
        if self.min_tokens is not None and self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise ValueError("the minimum number of tokens is above the maximum")
        return self

    def matches(self, entry: Entry) -> bool:
        """Whether an example meets every condition."""
        return (
            (not self.split or entry.split == self.split)
            and (self.min_tokens is None or entry.tokens >= self.min_tokens)
            and (self.max_tokens is None or entry.tokens <= self.max_tokens)
            and (not self.labels or entry.label in self.labels)
            and (not self.flags or any(flag in self.flags for flag in entry.flags))
            and (not self.search or self.search.lower() in entry.text.lower())
        )

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        return (ResultExample(entry) for entry in rows if self.matches(entry) == self.keep)

    def describe(self) -> str:
        return f"{'Kept' if self.keep else 'Dropped'} the examples {' and '.join(self.conditions())}."

    def conditions(self) -> list[str]:
        """Each condition as text."""
        found = []
        if self.search:
            found.append(f"that contain “{_cut(self.search)}”")
        if self.split:
            found.append(f"of the {SPLIT_NAMES[self.split]} part")
        if self.labels:
            found.append(f"answered {_listed(self.labels)}")
        if self.flags:
            found.append(f"with the finding {_listed(self.flags)}")
        if self.min_tokens is not None:
            found.append(f"of at least {plural(self.min_tokens, 'token')}")
        if self.max_tokens is not None:
            found.append(f"of at most {plural(self.max_tokens, 'token')}")
        return found


@OPERATIONS.add
class Merge(Operation):
    """Keep one example of each group, and drop the others of the group."""

    id: ClassVar[str] = "merge"
    title: ClassVar[str] = "Merge groups"
    icon: ClassVar[str] = "content_copy"
    groups: tuple[tuple[int, ...], ...] = Field(title="Groups", description="Positions that belong together.")
    keep: Keep = Field(default="first", title="Keep", description="Which one of each group is kept.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        check_positions((position for group in self.groups for position in group), rows.total)
        return _one_of_each(rows, [sorted(set(group)) for group in self.groups], self.keep)

    def describe(self) -> str:
        return f"Merged {plural(len(self.groups), 'group')} of examples: kept {_KEPT[self.keep]} of each."


@OPERATIONS.add
class Dedupe(Operation):
    """Keep one of each set of equal, or nearly equal, examples."""

    id: ClassVar[str] = "dedupe"
    title: ClassVar[str] = "Remove duplicates"
    icon: ClassVar[str] = "content_copy"
    kind: Literal["exact", "near"] = Field(
        default="exact",
        title="Which",
        description="exact: the same, tools and rejected answers included. near: almost the same words.",
    )
    threshold: float = Field(
        default=0.8, ge=0.5, le=1, title="Similarity",
        description="For near duplicates: the share of words that two examples have in common, 0 to 1.",
    )  # fmt: skip
    keep: Keep = Field(default="first", title="Keep", description="Which one is kept.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        groups = _equal_groups(rows) if self.kind == "exact" else NearTexts(rows).groups(self.threshold).clusters()
        return _one_of_each(rows, groups, self.keep)

    def describe(self) -> str:
        if self.kind == "exact":
            return "Removed exact duplicates."
        return f"Removed near duplicates (similarity from {self.threshold:g}): kept {_KEPT[self.keep]} of each group."


@OPERATIONS.add
class SampleRows(Operation):
    """Keep a random part of the examples."""

    id: ClassVar[str] = "sample"
    title: ClassVar[str] = "Take a sample"
    size: int | None = Field(default=None, ge=1, title="Examples", description="How many to keep.")
    share: float | None = Field(default=None, gt=0, le=1, title="Share", description="Or which share, 0 to 1.")
    seed: int = Field(
        default=42, ge=0, le=2**31 - 1, title="Seed", description="The same seed draws the same examples."
    )
    stratified: bool = Field(default=False, title="By answer", description="Keep the same mix of answers.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.size is None) == (self.share is None):
            raise ValueError("give a number of examples or a share, not both")
        return self

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        count = self.size if self.size is not None else max(1, round((self.share or 0) * rows.total))
        chosen = draw(rows, min(count, rows.total), self.seed, self.stratified)
        return (ResultExample(entry) for entry in rows if chosen[entry.position])

    def describe(self) -> str:
        amount = plural(self.size, "example") if self.size is not None else f"{self.share:.4g} of the examples"
        balance = ", with the balance of the answers" if self.stratified else ""
        return f"Took a sample of {amount}{balance} (seed {self.seed})."


def draw(rows: OperationSource, count: int, seed: int, stratified: bool = False) -> Numbers:
    """A mask of `count` positions drawn at random; `stratified` keeps the shares of the answers."""
    return drawn(rows.total, count, seed, strata_of(rows) if stratified else None)


def strata_of(rows: OperationSource) -> Numbers:
    """A number for each example, the same for the same answer."""
    known: dict[bytes, int] = {}
    labels = (known.setdefault(text_digest(entry.label), len(known)) for entry in rows)
    return np.fromiter(labels, np.int64, rows.total)


def drawn(total: int, count: int, seed: int, strata: Numbers | None = None) -> Numbers:
    """A mask over `total` places with `count` of them drawn at random, in proportion from each stratum."""
    chances = np.fromiter((seeded(seed, index.to_bytes(8, "big")) for index in range(total)), np.uint64, total)
    strata = np.zeros(total, dtype=np.int64) if strata is None else strata
    sizes = np.bincount(strata, minlength=1).tolist()
    order = np.lexsort((chances, strata))
    mask = np.zeros(total, dtype=bool)
    start = 0
    for size, take in zip(sizes, shares(sizes, count), strict=True):
        mask[order[start : start + take]] = True
        start += size
    return mask


def shares(sizes: Sequence[int], count: int) -> list[int]:
    """`count` items divided over parts of these sizes in proportion (largest remainder), never above a size."""
    total = sum(sizes)
    if not total:
        return [0 for _ in sizes]
    exact = [size * count / total for size in sizes]
    given = [min(int(part), size) for part, size in zip(exact, sizes, strict=True)]
    by_remainder = sorted(range(len(sizes)), key=lambda at: (given[at] - exact[at], at))
    while (left := min(count, total) - sum(given)) > 0:
        for at in by_remainder:
            if left and given[at] < sizes[at]:
                given[at] += 1
                left -= 1
    return given


class NearTexts:
    """What is compared of each example for near duplicates, as the quality report does.

    Args:
        rows: the examples; the first tell what most have in common.
        see: called with each example on the way.
    """

    def __init__(self, rows: OperationSource, see: Callable[[Entry], None] = lambda entry: None) -> None:
        self._rows, self._see, self._shared = rows, see, Boilerplate()
        for entry in islice(rows, SAMPLE):
            self._shared.learn(text_of_stored(entry.messages))

    def __len__(self) -> int:
        return self._rows.total

    def __iter__(self) -> Iterator[str]:
        for entry in self._rows:
            self._see(entry)
            yield self._shared.without(text_of_stored(entry.messages))

    def groups(self, threshold: float) -> NearGroups:
        """Groups of near duplicates by position."""
        from core.data.examples.near.near_duplicates import find_groups

        return find_groups(self, threshold, progress=lambda share: self._rows.beat())


def _equal_groups(rows: OperationSource) -> list[list[int]]:
    numbers = Digests(entry.digest() for entry in rows).numbers()
    groups: dict[int, list[int]] = defaultdict(list)
    for position in np.nonzero(numbers != np.arange(len(numbers)))[0].tolist():
        groups[int(numbers[position])].append(position)
    return [[first, *others] for first, others in groups.items()]


def _one_of_each(rows: OperationSource, groups: Sequence[Sequence[int]], keep: Keep) -> Iterator[ResultExample]:
    lengths: dict[int, int] = {}
    if keep == "longest":
        concerned = {position for group in groups for position in group}
        lengths = {entry.position: len(entry.text) for entry in rows if entry.position in concerned}
    dropped: set[int] = set()
    for group in groups:
        left = [position for position in group if position not in dropped] or list(group)
        if keep == "longest":
            chosen = max(left, key=lambda position: (lengths[position], -position))
        else:
            chosen = left[0] if keep == "first" else left[-1]
        dropped.update(position for position in group if position != chosen)
    return (ResultExample(entry) for entry in rows if entry.position not in dropped)


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(f"“{_cut(item)}”" for item in items[:5])
    return shown + (f" or one of {len(items) - 5:,} more" if len(items) > 5 else "")


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
