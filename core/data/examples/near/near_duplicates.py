"""Texts that are nearly the same: candidates by MinHash and banding, each verified by its exact Jaccard similarity.

What "similar" means is written in core/data/examples/near/shingles.py. A pair at the threshold becomes a candidate
with a chance of 99 % or more (`plan` chooses the bands so), a more similar one with a higher chance; every candidate is
then measured exactly, so what is reported is never below the threshold.

Where hundreds of texts are nearly equal to each other, the number of pairs grows with their square: such a group is
compared with one of its members, and neighbor by neighbor where that does not connect it. Most of its cluster is found
all the same, but not every pair in it is listed, and `complete` is false.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from core.data.examples.groups import groups_of
from core.data.examples.likeness import Boilerplate
from core.data.examples.near.minhash import Buckets, Chunks, Signatures, Texts, signatures

THRESHOLD = 0.8
CROWD = 32  # texts in one bucket; from here on, only some neighbors are compared
_NEIGHBORS = 8
# Groups of more than 200,000 texts: of crowds only enough pairs to connect most of them.
_MANY = 200_000
_CROWD_OF_MANY, _NEIGHBORS_OF_MANY = 12, 2
# How far below the threshold an estimate may be for its pair to be measured: 2.8 standard deviations lose 1 pair in 400
# at the threshold. Among many, where each text is compared a few times only, 0.8: the likeliest first.
_MARGIN, _MARGIN_OF_MANY = 0.1, 0.03
_MOST_FAILED = 12  # comparisons of one of many texts with texts that prove different; then it is compared no more
_BLOCK_SHINGLES = 1_000_000  # compared at once: about 60 MB of memory
_TOGETHER = 500_000  # pairs of one band that are compared at once

Array = Any
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class SimilarPair:
    """Two texts by their positions, `first` < `second`, and their Jaccard similarity."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What was found.

    Attributes:
        pairs: in the order of `first`, then `second`; exact copies among them have similarity 1.
        clusters: connected components of the pair graph, each sorted, in the order of their first.
        complete: whether every pair is listed (see the module's text).
    """

    pairs: tuple[SimilarPair, ...]
    clusters: tuple[tuple[int, ...], ...]
    complete: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class NearGroups:
    """Which texts are near duplicates, directly or through others.

    Attributes:
        numbers: for each text the position of the first one of its group, int64.
        complete: whether all texts that share a band were compared; in crowds, only some are.
    """

    numbers: Array
    complete: bool

    def clusters(self) -> tuple[tuple[int, ...], ...]:
        """The groups of more than one, each ascending, in the order of their first."""
        order = np.argsort(self.numbers, kind="stable")
        edges = np.flatnonzero(np.diff(self.numbers[order], prepend=-1, append=len(order)))
        several = np.flatnonzero(np.diff(edges) > 1)
        return tuple(tuple(order[edges[at] : edges[at + 1]].tolist()) for at in several.tolist())


def find_pairs(texts: Texts, threshold: float = THRESHOLD, *, progress: Progress | None = None) -> NearDuplicates:
    """All pairs of texts whose similarity is at least `threshold`.

    Args:
        texts: each is read once.
        threshold: above 0, at most 1.
        progress: receives the share done, 0 to 1; what it raises ends the search.
    """
    _check(threshold)
    tell = progress or (lambda share: None)
    search = _Search(texts, threshold)
    found = search.pairs(tell)
    copies: dict[int, list[int]] = {}
    for position, first in enumerate(search.copies.tolist()):
        copies.setdefault(first, []).append(position)
    groups, complete = _copy_pairs(copies)
    complete &= search.complete
    pairs = [SimilarPair(first, second, 1.0) for first, second in groups]
    for first, second, value in found:
        listed = [(a, b) for a in copies[first] for b in copies[second]]
        if len(listed) > CROWD:
            listed, complete = [(first, second)], False
        pairs += [SimilarPair(min(a, b), max(a, b), value) for a, b in listed]
    pairs.sort(key=lambda pair: (pair.first, pair.second))
    tell(1.0)
    return NearDuplicates(tuple(pairs), clusters(pairs), complete)


def find_groups(texts: Texts, threshold: float = THRESHOLD, *, progress: Progress | None = None) -> NearGroups:
    """The groups that `find_pairs` has as clusters, in a fraction of its time, since most pairs are not listed.

    Each group is connected by verified pairs. Arguments and errors: as of `find_pairs`.
    """
    _check(threshold)
    tell = progress or (lambda share: None)
    search = _Search(texts, threshold)
    numbers = search.groups(tell)
    tell(1.0)
    return NearGroups(numbers, search.complete)


def alike(texts: Sequence[str], threshold: float = THRESHOLD) -> tuple[tuple[int, ...], ...]:
    """Groups of near duplicates by position, in what remains of the texts without what most of them have in common."""
    shared = Boilerplate()
    for text in texts:
        shared.learn(text)
    return find_groups([shared.without(text) for text in texts], threshold).clusters()


def clusters(pairs: Sequence[SimilarPair]) -> tuple[tuple[int, ...], ...]:
    """The connected components of the pairs."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for pair in pairs:
        one, other = root(pair.first), root(pair.second)
        parent[max(one, other)] = min(one, other)
    members: dict[int, list[int]] = {}
    for item in sorted(parent):
        members.setdefault(root(item), []).append(item)
    return tuple(tuple(group) for _, group in sorted(members.items()))


def _check(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"The threshold must be above 0 and at most 1; got {threshold}.")


def _copy_pairs(copies: Mapping[int, Sequence[int]]) -> tuple[list[tuple[int, int]], bool]:
    """The pairs of texts that are equal once normalized, and whether every one is listed."""
    pairs, complete = [], True
    for group in copies.values():
        if len(group) > CROWD:
            complete = False
            pairs += [(group[0], other) for other in group[1:]]
        else:
            pairs += [(a, b) for index, a in enumerate(group) for b in group[index + 1 :]]
    return pairs, complete


class _Search:
    """One search over texts; memory: about 200 bytes for each, and what one chunk needs."""

    def __init__(self, texts: Texts, threshold: float) -> None:
        self._texts, self._count, self._threshold = texts, len(texts), threshold
        self.copies = np.arange(self._count)  # for each text the first one that is equal once normalized
        self._distinct = np.empty(0, np.int32)  # the texts that no earlier one is equal to
        self.complete = True

    def _signatures(self, tell: Progress) -> Signatures | None:
        """None where nothing but copies can be found, which are known then."""
        chunks = Chunks(self._texts)
        known = None
        if self._threshold == 1 or not self._count:
            deque(chunks, maxlen=0)
        else:
            known = signatures(chunks, self._count, self._threshold, tell)
        for group in groups_of(np.frombuffer(chunks.keys, np.int64)):
            self.copies[group] = group[0]
        self._distinct = np.flatnonzero(self.copies == np.arange(self._count)).astype(np.int32)
        return known

    def pairs(self, tell: Progress) -> list[tuple[int, int, float]]:
        """Every pair from the threshold on, by position; of a crowd, as many as connect it."""
        known = self._signatures(lambda share: tell(0.6 * share))
        if known is None:
            return []
        candidates, neighbors = self._candidates(known)
        tell(0.7)
        found = list(self._verified(candidates, known, lambda share: tell(0.7 + 0.25 * share)))
        if len(neighbors):  # of a crowd, only what is not connected yet
            linked = np.arange(self._count)
            _join(linked, [(first, second) for first, second, _ in found])
            apart = linked[neighbors // self._count] != linked[neighbors % self._count]
            found += self._verified(neighbors[apart], known, lambda share: tell(0.95 + 0.05 * share))
        return found

    def groups(self, tell: Progress) -> Array:
        """For each text the position of the first one of its group.

        Texts that are connected already are not compared again, so that a group of n texts takes about n comparisons.
        """
        known = self._signatures(lambda share: tell(0.45 * share))
        if known is None:
            return self.copies
        linked, failed = np.arange(self._count), np.zeros(self._count, np.int32)
        crowded, many = np.zeros(self._count, bool), len(self._distinct) > _MANY
        crowd, neighbors = (_CROWD_OF_MANY, _NEIGHBORS_OF_MANY) if many else (CROWD, _NEIGHBORS)
        least = self._threshold - (_MARGIN_OF_MANY if many else _MARGIN)
        for band, keys in enumerate(known.keys):
            buckets = Buckets.of(keys, self._distinct, crowd, neighbors)
            self.complete &= not buckets.crowded
            for first, second in _merged(buckets.steps()):
                apart = linked[first] != linked[second]
                first, second = first[apart], second[apart]
                likely = known.likely(first, second, least)
                first, second = first[likely], second[likely]
                new = known.first_shared(first, second, band) | crowded[first]  # of a crowd, few were compared
                pairs = np.sort(self._pair(first[new], second[new]))  # each is listed once for a band
                first, second = pairs // self._count, pairs % self._count
                hopeful = np.full(len(pairs), not many)
                hopeful |= (failed[first] < _MOST_FAILED) & (failed[second] < _MOST_FAILED)
                self.complete &= bool(hopeful.all())
                links = [(one, other) for one, other, _ in self._verified(pairs[hopeful], known)]
                _join(linked, links)
                for items in (first[hopeful], second[hopeful]):
                    failed += np.bincount(items, minlength=self._count).astype(np.int32)
                if links:
                    linked_items = np.array(links).ravel()
                    failed -= np.bincount(linked_items, minlength=self._count).astype(np.int32)
            crowded[buckets.in_crowds()] = True
            tell(0.45 + 0.55 * (band + 1) / len(known.keys))
        return linked[self.copies]

    def _candidates(self, known: Signatures) -> tuple[Array, Array]:
        """Likely pairs that share a band, as first * count + second, sorted, each once; and those of crowds."""
        found = nearby = np.empty(0, np.int64)
        for keys in known.keys:
            buckets = Buckets.of(keys, self._distinct, CROWD, _NEIGHBORS)
            self.complete &= not buckets.crowded
            parts, crowded = [found], [nearby]
            for step, (first, second) in enumerate(buckets.steps()):
                likely = known.likely(first, second, self._threshold - _MARGIN)
                pairs = self._pair(first[likely], second[likely])
                within = np.zeros(len(pairs), bool) if step == 0 else np.isin(first[likely], buckets.in_crowds())
                parts.append(pairs[~within])
                crowded.append(pairs[within])
            found, nearby = np.unique(np.concatenate(parts)), np.unique(np.concatenate(crowded))
        return found, np.setdiff1d(nearby, found, assume_unique=True)

    def _pair(self, first: Array, second: Array) -> Array:
        return first.astype(np.int64) * self._count + second

    def _verified(
        self, pairs: Array, known: Signatures, tell: Progress = lambda share: None
    ) -> Iterator[tuple[int, int, float]]:
        """The pairs (first * count + second, sorted) whose exact similarity reaches the threshold."""
        first, second = pairs // self._count, pairs % self._count
        block_of = np.cumsum(known.sizes[first] + known.sizes[second]) // _BLOCK_SHINGLES
        edges = np.flatnonzero(np.diff(block_of, prepend=-1, append=-1))
        for begin, end in pairwise(edges.tolist()):
            values = known.similarities(first[begin:end], second[begin:end])
            for at in np.flatnonzero(values >= self._threshold).tolist():
                yield int(first[begin + at]), int(second[begin + at]), float(values[at])
            tell(end / len(pairs))


def _merged(steps: Iterator[tuple[Array, Array]]) -> Iterator[tuple[Array, Array]]:
    """The first step, which connects most, and the others some hundred thousand pairs at a time."""
    yield next(steps)
    parts: list[tuple[Array, Array]] = []
    for step in steps:
        parts.append(step)
        if sum(len(first) for first, _ in parts) > _TOGETHER:
            yield np.concatenate([one for one, _ in parts]), np.concatenate([other for _, other in parts])
            parts = []
    if parts:
        yield np.concatenate([one for one, _ in parts]), np.concatenate([other for _, other in parts])


def _join(linked: Array, links: Sequence[tuple[int, int]]) -> None:
    """Merge groups, in place: `linked` has for each item the first one of its group, before and after."""
    if not links:
        return
    for one, other in links:
        while linked[one] != one:
            one = linked[one]
        while linked[other] != other:
            other = linked[other]
        linked[max(one, other)] = min(one, other)
    while (further := linked[linked] != linked).any():
        linked[further] = linked[linked[further]]
