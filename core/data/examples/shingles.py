"""Texts -> sets of shingles, as 64-bit hashes, many texts at once.

The similarity of two texts, everywhere in the studio, is the Jaccard index of their shingle sets, |A ∩ B| / |A ∪ B|.
Before, a text is normalized: NFKC, casefolded, every run of characters that are neither letters nor digits becomes one
space. A shingle is every 5 consecutive characters of that (a shorter text is one shingle): it needs no word boundaries
(Chinese, code) and tolerates typing errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

WIDTH: Final = 5

_BETWEEN = re.compile(r"[\W_]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
Hashes = Any  # numpy arrays of uint64 (hashes) and int64 (offsets)


def normalize(text: str) -> str:
    """The text as it is compared: letters and digits, casefolded, single spaces between."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = _BETWEEN.sub(" ", folded).strip()
    return plain or folded.strip()  # a text of punctuation only is compared as it is


def hashes(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """The shingle hashes of normalized texts, one after another, and the start of each text's (one more at the end).

    A shingle that occurs twice in a text is listed twice. Every text has at least one.
    """
    padded = [text.ljust(WIDTH, "\ud800") for text in texts]  # half a character, which no text has
    raw = "".join(padded).encode("utf-32-le", "surrogatepass")
    values, lengths = np.frombuffer(raw, dtype=np.uint32).astype(np.uint64), np.array(list(map(len, padded)), np.int64)
    total = max(len(values) - WIDTH + 1, 0)
    combined = np.zeros(total, np.uint64)
    for shift in range(WIDTH):
        combined = combined * _FACTOR + values[shift : shift + total]
    ends = np.cumsum(lengths)
    crossing = (ends[:-1, None] - np.arange(1, WIDTH)[None, :]).ravel()  # windows that reach into the next text
    keep = np.ones(len(combined), bool)
    keep[crossing] = False
    return mix(combined[keep]), np.concatenate(([0], np.cumsum(lengths - WIDTH + 1)))


def sets(texts: Sequence[str]) -> list[Hashes]:
    """The shingle set of each normalized text: sorted, each hash once."""
    flat, offsets = hashes(texts)
    return [np.unique(flat[begin:end]) for begin, end in pairwise(offsets)]


def jaccard(first: Hashes, second: Hashes) -> float:
    """|A ∩ B| / |A ∪ B| of two sets as `sets` makes them."""
    both = np.concatenate((first, second))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared)


def similarity(first: str, second: str) -> float:
    """How alike two texts are, 0 to 1."""
    one, other = sets([normalize(first), normalize(second)])
    return jaccard(one, other)


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit values so that every bit depends on every other. Source: the finalizer of splitmix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
