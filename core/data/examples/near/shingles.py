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
from typing import Any, Final

import numpy as np

WIDTH: Final = 5

_BITS = np.uint64(32)
_BETWEEN = re.compile(r"[\W_]+")
_ASCII = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(128)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
Hashes = Any  # numpy arrays of uint64 (hashes) and int64 (offsets)


def normalize(text: str) -> str:
    """The text as it is compared: letters and digits, casefolded, single spaces between."""
    if text.isascii():  # the same in a fifth of the time
        words = text.encode("ascii").translate(_ASCII).split()
        return b" ".join(words).decode("ascii") or text.casefold().strip()
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


def sets(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """The shingle sets of normalized texts, one after another, each sorted, and their sizes.

    Of each hash 31 bits are left: that two different shingles look the same changes a similarity by one shingle in the
    union, with a probability of 1 in 500,000 for two tweets and 1 in 500 for two pages.
    """
    flat, offsets = hashes(texts)
    keys = np.repeat(np.arange(len(texts), dtype=np.uint64), np.diff(offsets)) << _BITS
    keys |= flat >> (_BITS + np.uint64(1))
    keys.sort()
    new = np.ones(len(keys), bool)
    new[1:] = keys[1:] != keys[:-1]
    keys = keys[new]
    return keys.astype(np.uint32), np.bincount((keys >> _BITS).astype(np.int64), minlength=len(texts))


def jaccard(values: Hashes, starts: Hashes, sizes: Hashes, first: Hashes, second: Hashes) -> Hashes:
    """|A ∩ B| / |A ∪ B| of each pair of sets, given by their places.

    Args:
        values: the sets, each in one piece.
        starts, sizes: of each set in `values`.
    """
    from scipy.sparse import csr_array  # its product of two rows goes through both once

    one, other = (_rows(values, starts[places], sizes[places]) for places in (first, second))
    wide = np.iinfo(np.int32).max
    matrices = [csr_array((np.ones(len(at), bool), at, ends), (len(first), wide)) for at, ends in (one, other)]
    shared = np.diff(matrices[0].multiply(matrices[1]).indptr)
    return shared / (sizes[first] + sizes[second] - shared)


def _rows(values: Hashes, starts: Hashes, sizes: Hashes) -> tuple[Hashes, Hashes]:
    """Some sets one after another, as column numbers, and where each ends; first a 0."""
    ends = np.concatenate(([0], np.cumsum(sizes)))
    at = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], sizes)
    return values[at].view(np.int32), ends.astype(np.int32)


def similarity(first: str, second: str) -> float:
    """How alike two texts are, 0 to 1."""
    values, sizes = sets([normalize(first), normalize(second)])
    return float(jaccard(values, np.cumsum(sizes) - sizes, sizes, np.array([0]), np.array([1]))[0])


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit values so that every bit depends on every other. Source: the finalizer of splitmix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
