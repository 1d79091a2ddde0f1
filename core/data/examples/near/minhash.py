"""MinHash signatures: the share of equal values of two texts estimates the Jaccard similarity of their shingle sets.

A text's values are cut into bands; texts that are equal in all values of a band are candidates for near duplicates.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from core.data.examples.identity import text_key
from core.data.examples.near.shingles import jaccard, mix, normalize, sets

PERMUTATIONS: Final = 128
_CHUNK_CHARACTERS: Final = 2_000_000  # hashed at once: about 80 MB of memory
_CHUNK_TEXTS: Final = 10_000
_PAIRS: Final = 40_000  # estimated at once, by each of two threads: 20 MB
_SEED: Final = 42
_SPREAD: Final = np.uint32(0x9E3779B1)  # a byte of the product is different for different values

Array = Any


class Texts(Protocol):
    """A list, or something that reads or makes its texts one after another."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[str]: ...


def plan(threshold: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """(bands, rows in each): as many rows as still let 99.5 % of the pairs at the threshold become candidates.

    Source: chance of a pair of similarity s to share a band = 1 - (1 - s^rows)^bands (Leskovec et al., Mining of
    Massive Datasets, 3.4).
    """
    rows = 1
    while rows < permutations and 1 - (1 - threshold ** (rows + 1)) ** (permutations // (rows + 1)) >= 0.995:
        rows += 1
    return permutations // rows, rows


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is known of each text: 16 bytes in memory, and in temporary files 294 and 4 for each of its shingles.

    Attributes:
        keys: uint64, bands x texts: equal where all values of the band are.
        low: uint8, texts x values: a byte of each value, for an estimate.
        shingles: uint32: the shingle sets, one after another, in a file; starts, sizes: int64, of each text's.
    """

    keys: Array
    low: Array
    shingles: Array
    starts: Array
    sizes: Array

    def likely(self, first: Array, second: Array, least: float) -> Array:
        """A mask over pairs of texts: whether the estimate of their similarity is at least so high.

        Its standard deviation is 0.036 at a similarity of 0.8, with 126 values.
        """
        parts = [slice(begin, begin + _PAIRS) for begin in range(0, len(first), _PAIRS)]

        def estimate(part: slice) -> Array:
            agree = (self.low[first[part]] == self.low[second[part]]).sum(axis=1, dtype=np.uint16)
            return (agree / self.low.shape[1] - 1 / 256) / (1 - 1 / 256) >= least

        with ThreadPoolExecutor(2) as both_cores:
            return np.concatenate([np.empty(0, bool), *both_cores.map(estimate, parts)])

    def similarities(self, first: Array, second: Array) -> Array:
        """The exact similarity of each pair of texts."""
        return jaccard(self.shingles, self.starts, self.sizes, first, second)

    def first_shared(self, first: Array, second: Array, band: int) -> Array:
        """A mask over pairs of texts: whether they share no band before this one."""
        new = np.ones(len(first), bool)
        for keys in self.keys[:band]:
            new &= keys[first] != keys[second]
        return new


@dataclass(frozen=True, slots=True)
class Buckets:
    """The texts that share a band with others: bucket after bucket, ascending in each.

    Attributes:
        members: texts by number, int32. begins, ends: for each member where its bucket begins and ends in `members`.
        crowd: texts; in larger buckets only so many next `neighbors` of each are paired, and the first with all.
    """

    members: Array
    begins: Array
    ends: Array
    crowd: int
    neighbors: int

    @classmethod
    def of(cls, keys: Array, among: Array, crowd: int, neighbors: int) -> Buckets:
        """The buckets of two texts or more, among some of the texts, which ascend."""
        keys = keys[among]
        order = np.argsort(keys, kind="stable").astype(np.int32)
        changes = np.flatnonzero(np.concatenate(([True], keys[order][1:] != keys[order][:-1], [True])))
        sizes = np.diff(changes)
        several = sizes > 1
        members = among[order[np.repeat(several, sizes)]]
        sizes = sizes[several]
        ends = np.cumsum(sizes).astype(np.int32)
        sizes = sizes.astype(np.int32)
        return cls(members, np.repeat(ends - sizes, sizes), np.repeat(ends, sizes), crowd, neighbors)

    @property
    def crowded(self) -> bool:
        """Whether a bucket has so many texts that not all pairs of it are listed."""
        return bool((self.ends - self.begins > self.crowd).any())

    def in_crowds(self) -> Array:
        """The texts whose bucket is crowded."""
        return self.members[self.ends - self.begins > self.crowd]

    def steps(self) -> Iterator[tuple[Array, Array]]:
        """Pairs: the first of each bucket with the others, then neighbors, those after the next, and so on.

        In a crowd these end after a few; every other pair is listed exactly once.
        """
        at = np.arange(len(self.members), dtype=np.int32)
        others = at[at > self.begins]
        yield self.members[self.begins[others]], self.members[others]
        left = at[at > self.begins]
        for step in range(1, self.crowd):
            if step > self.neighbors:
                left = left[self.ends[left] - self.begins[left] <= self.crowd]
            left = left[left + step < self.ends[left]]
            if not len(left):
                return
            yield self.members[left], self.members[left + step]


class Chunks:
    """Goes through texts once and normalizes them, some thousand at a time.

    Attributes:
        keys: a key of each text that was normalized (`identity.text_key`), int64.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.keys = array("q")

    def __iter__(self) -> Iterator[list[str]]:
        chunk: list[str] = []
        size = 0
        for text in map(normalize, self._texts):
            self.keys.append(text_key(text))
            if chunk and (size + len(text) > _CHUNK_CHARACTERS or len(chunk) >= _CHUNK_TEXTS):
                yield chunk
                chunk, size = [], 0
            chunk.append(text)
            size += len(text)
        if chunk:
            yield chunk


def signatures(chunks: Iterable[list[str]], count: int, threshold: float, tell: Callable[[float], None]) -> Signatures:
    """The signatures of so many normalized texts. `tell` receives the share done, 0 to 1."""
    bands, rows = plan(threshold)
    random = np.random.default_rng(_SEED)
    factors = random.integers(0, 2**32, bands * rows, np.uint32) | np.uint32(1)
    masks = random.integers(0, 2**32, bands * rows, np.uint32)
    keys, low = _in_file(np.uint64, bands, count), _in_file(np.uint8, count, bands * rows)
    sizes = np.zeros(count, np.int64)
    file, at = tempfile.TemporaryFile(), 0  # noqa: SIM115  it is closed when nothing refers to it

    def sign(chunk: list[str], part: slice) -> None:
        flat, counts = sets(chunk)
        file.write(flat)
        starts = np.cumsum(counts) - counts
        sizes[part] = counts
        mixed = np.empty_like(flat)
        for band in range(bands):
            key = np.zeros(len(chunk), np.uint64)
            for value in range(band * rows, (band + 1) * rows):
                np.multiply(flat, factors[value], out=mixed)
                np.bitwise_xor(mixed, masks[value], out=mixed)
                least = np.minimum.reduceat(mixed, starts)
                low[part, value] = least * _SPREAD >> np.uint32(24)
                key = mix(key + least)
            keys[band, part] = key

    with ThreadPoolExecutor(1) as beside:  # reads go on beside it
        signed: Future[None] | None = None
        for chunk in chunks:
            if signed:
                signed.result()
            signed = beside.submit(sign, chunk, slice(at, at + len(chunk)))
            at += len(chunk)
            tell(at / count)
        if signed:
            signed.result()
    file.flush()
    shingles = np.memmap(file, np.uint32, "r")
    return Signatures(keys, low, shingles.view(np.ndarray), np.cumsum(sizes) - sizes, sizes)


def _in_file(kind: Any, *shape: int) -> Array:
    """An array of zeros in a temporary file: its pages can leave memory."""
    return np.memmap(tempfile.TemporaryFile(), kind, "w+", shape=shape).view(np.ndarray)
