"""Which of many keys are equal: their positions, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np

Numbers = Any  # a one-dimensional numpy array of integers

_MANY: Final = 200_000  # keys: from here on, pyarrow's hash table is quicker than sorting, with its import
_MOST_BITS: Final = 24  # 64 MB of numbers while they are compared


@dataclass(frozen=True, slots=True, eq=False)
class Groups(Sequence[list[int]]):
    """Groups of positions; in each they ascend, and so do the first ones of the groups.

    Attributes:
        positions: those of all groups, one after another.
        edges: for each group where it begins, and the number of positions.
    """

    positions: Numbers
    edges: Numbers

    def __len__(self) -> int:
        return len(self.edges) - 1

    @overload
    def __getitem__(self, at: int) -> list[int]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[int]]: ...
    def __getitem__(self, at: int | slice) -> list[int] | list[list[int]]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        group: list[int] = self.positions[self.edges[at] : self.edges[at + 1]].tolist()
        return group

    @property
    def sizes(self) -> Numbers:
        """The number of positions in each group."""
        return np.diff(self.edges)

    def counts(self, mask: Numbers) -> Numbers:
        """How many of each group are in a mask over all positions."""
        if not len(self):
            return np.empty(0, np.int64)
        return np.add.reduceat(mask[self.positions], self.edges[:-1], dtype=np.int64)

    def only(self, chosen: Numbers) -> Groups:
        """Some of the groups, by a mask over them."""
        sizes = self.sizes
        return Groups(self.positions[np.repeat(chosen, sizes)], _edges(sizes[chosen]))


def groups_of(keys: Numbers) -> Groups:
    """The positions of equal keys, where a key occurs more than once."""
    likely = _likely(keys)
    codes = _codes(keys[likely])
    sizes = np.bincount(codes) if len(codes) else np.empty(0, np.int64)
    several = sizes > 1
    numbers = np.cumsum(several) - 1  # of the groups, by code
    places = np.flatnonzero(several[codes]) if len(codes) else np.empty(0, np.int64)
    mine = numbers[codes[places]].astype(np.min_scalar_type(int(several.sum())))  # 16 bits: sorted without comparing
    return Groups(likely[places[np.argsort(mine, kind="stable")]], _edges(sizes[several]))


def _likely(keys: Numbers) -> Numbers:
    """The positions of keys that share their low bits with another one, ascending.

    Most sets have few copies, so that little is left to compare: without this, 185,000 keys took 36 ms instead of 6.
    """
    slots = 1 << min(max(len(keys), 1).bit_length() + 3, _MOST_BITS)
    places, numbers = keys & (slots - 1), np.arange(len(keys), dtype=np.int32)
    owner = np.empty(slots, np.int32)
    owner[places] = numbers  # one of those that share a slot remains, whichever
    shared = np.zeros(slots, bool)
    shared[places[owner[places] != numbers]] = True
    return np.flatnonzero(shared[places])


def _codes(keys: Numbers) -> Numbers:
    """A number for each key, the same for equal ones, that grows with each new one."""
    if len(keys) >= _MANY:
        import pyarrow as pa

        return pa.array(keys).dictionary_encode().indices.to_numpy()
    _, firsts, codes = np.unique(keys, return_index=True, return_inverse=True)
    ranks = np.empty(len(firsts), np.int64)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    return ranks[codes]


def _edges(sizes: Numbers) -> Numbers:
    return np.concatenate(([0], np.cumsum(sizes)))
