"""Which examples are equal, in 16 bytes each: a million examples take about 40 MB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

Numbers = Any  # a one-dimensional numpy array of integers


class Digests:
    """16 bytes for each of many examples."""

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        self._packed = bytearray()
        for digest in digests:
            self.add(digest)

    def add(self, digest: bytes) -> None:
        """The digest of the next example."""
        self._packed += digest

    def __len__(self) -> int:
        return len(self._packed) // 16

    def __getitem__(self, at: int) -> bytes:
        return bytes(self._packed[at * 16 : at * 16 + 16])

    def numbers(self) -> Numbers:
        """For each digest the position of its first occurrence, which equal examples share."""
        packed = np.frombuffer(bytes(self._packed), dtype=np.uint64).reshape(-1, 2)
        order = np.lexsort((packed[:, 1], packed[:, 0]))
        ordered = packed[order]
        starts = np.ones(len(order), dtype=bool)
        if len(order) > 1:
            starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        # lexsort is stable: the first of a run of equal ones is the one that came first.
        firsts = order[starts][np.cumsum(starts) - 1]
        numbers = np.empty(len(order), dtype=np.int64)
        numbers[order] = firsts
        return numbers


def text_digest(text: str) -> bytes:
    """16 bytes for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def seeded(seed: int, key: bytes) -> int:
    """A pseudorandom number from 0 to 2**64 - 1, the same on every machine."""
    head = hashlib.blake2b(key, digest_size=8, key=str(seed).encode("ascii"))
    return int.from_bytes(head.digest(), "big")


def joined(numbers: Numbers, groups: Numbers) -> Numbers:
    """Groups merged where they share equal examples: a number for each example, the same within a merged group."""
    count = len(numbers)
    if not count:
        return np.arange(0)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    here = np.tile(np.arange(count), 2)
    links = coo_array((np.ones(2 * count, np.int8), (here, np.concatenate((numbers, groups)))), (count, count))
    _, labels = connected_components(links, directed=False)
    firsts = np.full(count, count)
    np.minimum.at(firsts, labels, np.arange(count))
    return firsts[labels]
