"""Texts -> sets of shingles, as 64-bit hashes, many texts at once.

The similarity of two texts, everywhere in the studio, is the Jaccard index of their shingle sets, |A ∩ B| / |A ∪ B|.
Before, a text is normalized: NFKC, casefolded, every run of characters that are neither letters nor digits becomes one
space. Then:

    characters  every 5 consecutive characters of the normalized text (a shorter text is one shingle). The default:
                it needs no word boundaries (Chinese, code) and tolerates typing errors.
    words       every 3 consecutive words (a text of fewer is one shingle).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np

Shingling = Literal["characters", "words"]
WIDTHS: Final[dict[Shingling, int]] = {"characters": 5, "words": 3}

_BETWEEN = re.compile(r"[\W_]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
Hashes = Any  # numpy arrays of uint64 (hashes) and int64 (offsets)


def normalize(text: str) -> str:
    """The text as it is compared: letters and digits, casefolded, single spaces between."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = _BETWEEN.sub(" ", folded).strip()
    return plain or folded.strip()  # a text of punctuation only is compared as it is


def hashes(texts: Sequence[str], shingling: Shingling = "characters") -> tuple[Hashes, Hashes]:
    """The shingle hashes of normalized texts, one after another, and the start of each text's (one more at the end).

    A shingle that occurs twice in a text is listed twice. Every text has at least one.
    """
    width = WIDTHS[shingling]
    if shingling == "words":
        texts = [text + " \0" * max(0, width - 1 - text.count(" ")) for text in texts]
        values, lengths = _words(texts)
    else:
        texts = [text.ljust(width, "\0") for text in texts]
        values, lengths = _codes(texts)
    return _windows(values, lengths, width)


def sets(texts: Sequence[str], shingling: Shingling = "characters") -> list[Hashes]:
    """The shingle set of each normalized text: sorted, each hash once."""
    flat, offsets = hashes(texts, shingling)
    return [np.unique(flat[begin:end]) for begin, end in pairwise(offsets)]


def jaccard(first: Hashes, second: Hashes) -> float:
    """|A ∩ B| / |A ∪ B| of two sets as `sets` makes them."""
    both = np.concatenate((first, second))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared)


def similarity(first: str, second: str, shingling: Shingling = "characters") -> float:
    """How alike two texts are, 0 to 1."""
    one, other = sets([normalize(first), normalize(second)], shingling)
    return jaccard(one, other)


def _codes(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    raw = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(raw, dtype=np.uint32).astype(np.uint64), np.array([len(text) for text in texts], np.int64)


def _words(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """A hash for each word, and the number of words of each text."""
    codes, _ = _codes([text + " " for text in texts])
    space = codes == ord(" ")
    ends = np.flatnonzero(space)
    starts = np.concatenate(([0], ends[:-1] + 1))
    place = (np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)).astype(np.uint64)
    mixed = mix(codes + (place << np.uint64(32)))
    mixed[space] = 0
    return np.add.reduceat(mixed, starts), np.array([text.count(" ") + 1 for text in texts], np.int64)


def _windows(values: Hashes, lengths: Hashes, width: int) -> tuple[Hashes, Hashes]:
    """A hash of every `width` consecutive values within one text."""
    total = len(values) - width + 1
    combined = np.zeros(max(total, 0), np.uint64)
    for shift in range(width):
        combined = combined * _FACTOR + values[shift : shift + total]
    ends = np.cumsum(lengths)
    crossing = (ends[:-1, None] - np.arange(1, width)[None, :]).ravel()  # windows that reach into the next text
    keep = np.ones(len(combined), bool)
    keep[crossing] = False
    offsets = np.concatenate(([0], np.cumsum(lengths - width + 1)))
    return mix(combined[keep]), offsets


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit values so that every bit depends on every other. Source: the finalizer of splitmix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
