"""Texts that are nearly the same: candidates by MinHash and banding, each verified by its exact Jaccard similarity.

What "similar" means is written in core/data/examples/shingles.py. A pair at the threshold becomes a candidate with a
chance of 99 % or more (`plan` chooses the bands so), a more similar one with a higher chance; every candidate is then
measured exactly, so what is reported is never below the threshold.

Where hundreds of texts are nearly equal to each other, the number of pairs grows with their square: such a group is
compared with one of its members, and neighbor by neighbor where that does not connect it. Its cluster is found all the
same, but not every pair in it is listed, and `complete` is false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from core.data.examples.likeness import Boilerplate
from core.data.examples.shingles import hashes, jaccard, mix, normalize, sets

THRESHOLD = 0.8
SEED = 42
_PERMUTATIONS = 128
_CROWD = 32  # texts in one bucket; from here on, neighbors only
_NEIGHBOURS = 8
_CHUNK_CHARACTERS = 2_000_000  # hashed at once: about 80 MB of memory
_ESTIMATE_MARGIN = 0.16  # four standard deviations of the estimate by 126 values at 0.8

Array = Any
Progress = Callable[[float], None]


class Texts(Protocol):
    """Texts by their position: a list, or something that reads or makes them on request."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> str: ...


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


def find_pairs(texts: Texts, threshold: float = THRESHOLD, *, progress: Progress | None = None) -> NearDuplicates:
    """All pairs of texts whose similarity is at least `threshold`.

    Args:
        texts: each is read up to twice.
        threshold: above 0, at most 1.
        progress: receives the share done, 0 to 1; what it raises ends the search.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"The threshold must be above 0 and at most 1; got {threshold}.")
    tell = progress or (lambda share: None)
    copies, groups, complete = _copies(texts)
    unique = sorted(copies)
    found = []
    if threshold < 1 and len(unique) > 1:
        search = _Search(texts, unique, threshold)
        found = search.run(tell)
        complete &= search.complete
    pairs = [SimilarPair(first, second, 1.0) for first, second in groups]
    for first, second, value in found:
        listed = [(a, b) for a in copies[first] for b in copies[second]]
        if len(listed) > _CROWD:
            listed, complete = [(first, second)], False
        pairs += [SimilarPair(min(a, b), max(a, b), value) for a, b in listed]
    pairs.sort(key=lambda pair: (pair.first, pair.second))
    tell(1.0)
    return NearDuplicates(tuple(pairs), clusters(pairs), complete)


def alike(texts: Sequence[str], threshold: float = THRESHOLD) -> tuple[tuple[int, ...], ...]:
    """Groups of near duplicates by position, in what remains of the texts without what most of them have in common."""
    shared = Boilerplate()
    for text in texts:
        shared.learn(text)
    return find_pairs([shared.without(text) for text in texts], threshold).clusters


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


def _roots(count: int, links: Sequence[tuple[int, int]]) -> Array:
    """For each of `count` items the root of its connected component."""
    roots = np.arange(count)
    for group in clusters([SimilarPair(min(link), max(link), 1.0) for link in links]):
        roots[list(group)] = group[0]
    return roots


def plan(threshold: float, permutations: int = _PERMUTATIONS) -> tuple[int, int]:
    """(bands, rows in each): as many rows as still let 99.5 % of the pairs at the threshold become candidates.

    Source: chance of a pair of similarity s to share a band = 1 - (1 - s^rows)^bands (Leskovec et al., Mining of
    Massive Datasets, 3.4).
    """
    rows = 1
    while rows < permutations and 1 - (1 - threshold ** (rows + 1)) ** (permutations // (rows + 1)) >= 0.995:
        rows += 1
    return permutations // rows, rows


def _copies(texts: Texts) -> tuple[dict[int, list[int]], list[tuple[int, int]], bool]:
    """Texts that are equal once normalized: {first: all}, their pairs, and whether every pair is listed."""
    first_of: dict[bytes, int] = {}
    copies: dict[int, list[int]] = {}
    for position in range(len(texts)):
        content = normalize(texts[position]).encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(content, digest_size=16).digest()
        copies.setdefault(first_of.setdefault(key, position), []).append(position)
    pairs, complete = [], True
    for group in copies.values():
        if len(group) > _CROWD:
            complete = False
            pairs += [(group[0], other) for other in group[1:]]
        else:
            pairs += [(a, b) for index, a in enumerate(group) for b in group[index + 1 :]]
    return copies, pairs, complete


class _Search:
    """One search over the distinct texts; memory: about 300 bytes for each text, and what one chunk needs."""

    def __init__(self, texts: Texts, positions: list[int], threshold: float) -> None:
        self._texts, self._positions = texts, positions
        self._threshold = threshold
        self._bands, self._rows = plan(threshold)
        self.complete = True

    def run(self, tell: Progress) -> list[tuple[int, int, float]]:
        keys, low = self._signatures(lambda share: tell(0.05 + 0.55 * share))
        candidates, neighbors = (self._likely(part, low) for part in self._candidates(keys))
        tell(0.7)
        found = list(self._verified(candidates, lambda share: tell(0.7 + 0.25 * share)))
        if len(neighbors):  # of a crowd, only what is not connected yet
            at = {position: number for number, position in enumerate(self._positions)}
            root = _roots(len(self._positions), [(at[first], at[second]) for first, second, _ in found])
            count = len(self._positions)
            apart = neighbors[root[neighbors // count] != root[neighbors % count]]
            found += self._verified(apart, lambda share: tell(0.95 + 0.05 * share))
        return found

    def _signatures(self, tell: Progress) -> tuple[Array, Array]:
        """For each text the hash of each band, and the low byte of each MinHash value (for a quick estimate)."""
        from rensa import RMinHash

        count, width = len(self._positions), self._bands * self._rows
        keys = np.empty((self._bands, count), np.uint64)
        low = np.empty((count, width), np.uint8)
        at = 0
        for chunk in self._chunks():
            flat, offsets = hashes(chunk)
            signatures = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets.astype(np.uint64), width, SEED)
            values = np.array(signatures.to_rows(), dtype=np.uint32)
            low[at : at + len(chunk)] = values.astype(np.uint8)
            for band in range(self._bands):
                key = np.zeros(len(chunk), np.uint64)
                for column in range(band * self._rows, (band + 1) * self._rows):
                    key = mix(key + values[:, column])
                keys[band, at : at + len(chunk)] = key
            at += len(chunk)
            tell(at / count)
        return keys, low

    def _chunks(self) -> Iterator[list[str]]:
        chunk: list[str] = []
        size = 0
        for position in self._positions:
            text = normalize(self._texts[position])
            if chunk and (size + len(text) > _CHUNK_CHARACTERS or len(chunk) >= 10_000):
                yield chunk
                chunk, size = [], 0
            chunk.append(text)
            size += len(text)
        if chunk:
            yield chunk

    def _candidates(self, keys: Array) -> tuple[Array, Array]:
        """Pairs that share at least one band, as first * count + second, sorted, each once; without crowds."""
        count = keys.shape[1]
        found = nearby = np.empty(0, np.int64)
        for band in range(keys.shape[0]):
            order = np.argsort(keys[band], kind="stable")
            same = keys[band][order][1:] == keys[band][order][:-1]
            edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
            parts, crowded = [found], [nearby]
            for begin, end in zip(edges[::2], edges[1::2] + 1, strict=True):
                members = order[begin:end]  # ascending: the sort is stable
                if len(members) == 2:
                    parts.append(members[:1] * count + members[1:])
                elif len(members) <= _CROWD:
                    one, other = np.triu_indices(len(members), 1)
                    parts.append(members[one] * count + members[other])
                else:
                    self.complete = False
                    parts.append(members[0] * count + members[1:])
                    crowded += [members[:-step] * count + members[step:] for step in range(1, _NEIGHBOURS + 1)]
            found, nearby = np.unique(np.concatenate(parts)), np.unique(np.concatenate(crowded))
        return found, np.setdiff1d(nearby, found, assume_unique=True)

    def _likely(self, candidates: Array, low: Array) -> Array:
        """Without the pairs whose estimate is far below the threshold."""
        count, kept = len(low), [np.empty(0, np.int64)]
        for begin in range(0, len(candidates), 100_000):
            block = candidates[begin : begin + 100_000]
            agree = (low[block // count] == low[block % count]).mean(axis=1)
            kept.append(block[(agree - 1 / 256) / (1 - 1 / 256) >= self._threshold - _ESTIMATE_MARGIN])
        return np.concatenate(kept)

    def _verified(self, candidates: Array, tell: Progress) -> Iterator[tuple[int, int, float]]:
        """The pairs whose exact similarity reaches the threshold."""
        count = len(self._positions)
        done = 0
        for block in self._blocks(candidates, count):
            needed = np.unique(np.concatenate((block // count, block % count)))
            signatures = sets([normalize(self._texts[self._positions[item]]) for item in needed])
            of = dict(zip(needed.tolist(), signatures, strict=True))
            for pair in block.tolist():
                first, second = divmod(pair, count)
                value = jaccard(of[first], of[second])
                if value >= self._threshold:
                    yield self._positions[first], self._positions[second], value
            done += len(block)
            tell(done / len(candidates))

    def _blocks(self, candidates: Array, count: int) -> Iterator[Array]:
        """Candidates in blocks whose texts fit into memory together."""
        begin = size = 0
        inside: set[int] = set()
        for index, pair in enumerate(candidates.tolist()):
            for item in divmod(pair, count):
                if item not in inside:
                    inside.add(item)
                    size += len(self._texts[self._positions[item]])
            if size > _CHUNK_CHARACTERS:
                yield candidates[begin : index + 1]
                begin, size = index + 1, 0
                inside.clear()
        if begin < len(candidates):
            yield candidates[begin:]
