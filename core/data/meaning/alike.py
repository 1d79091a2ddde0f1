"""The most similar text of each text, by their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.meaning.vectors import Vectors

BLOCK: Final = 1_024  # rows compared at once: 1,024 x 20,000 similarities are 80 MB
ALIKE: Final = 0.85  # texts above it usually say the same; below, they often share words only


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts by their indexes, and the cosine of their vectors (1 for the same words)."""

    first: int
    second: int
    similarity: float


def alike(vectors: Vectors, texts: Sequence[str], least: float = ALIKE) -> list[Pair]:
    """Each text with its most similar other one, if they are similar enough: the most similar pairs first.

    Copies (the same words in any case and spacing) are found elsewhere: only the first of them is compared.
    """
    first_of: dict[str, int] = {}
    for at, text in enumerate(texts):
        first_of.setdefault(" ".join(text.casefold().split()), at)
    kept = np.array(sorted(first_of.values()), dtype=np.intp)
    found: dict[tuple[int, int], float] = {}
    for at, other, similarity in _nearest(vectors[kept], vectors[kept], least, same=True):
        one, two = sorted((int(kept[at]), int(kept[other])))
        found[one, two] = similarity
    return sorted((Pair(*pair, found[pair]) for pair in found), key=lambda pair: (-pair.similarity, pair.first))


def nearest(asked: Vectors, known: Vectors, least: float = ALIKE) -> list[Pair]:
    """For each asked text that has one, the most similar known text (`second` is its index): the most similar first."""
    pairs = [Pair(at, other, similarity) for at, other, similarity in _nearest(asked, known, least, same=False)]
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first))


def _nearest(asked: Vectors, known: Vectors, least: float, *, same: bool) -> list[tuple[int, int, float]]:
    """(row, most similar known row, cosine) of each row that reaches `least`; `same` leaves out the row itself."""
    found: list[tuple[int, int, float]] = []
    if not len(known):
        return found
    for start in range(0, len(asked), BLOCK):
        similar = asked[start : start + BLOCK] @ known.T
        rows = np.arange(len(similar))
        if same:
            similar[rows, rows + start] = -1.0
        best = similar.argmax(axis=1)
        values = similar[rows, best]
        found += [
            (start + int(at), int(best[at]), min(float(values[at]), 1.0)) for at in np.flatnonzero(values >= least)
        ]
    return found
