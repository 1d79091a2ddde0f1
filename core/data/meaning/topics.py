"""Topics: groups of texts with similar vectors, named by the words that set them apart."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.meaning.small_words import SMALL
from core.data.meaning.vectors import Vectors, groups

FEWEST, MOST = 2, 24  # topics
WORDS: Final = 3  # in a name
SAMPLES: Final = 3  # texts nearest to the middle of a topic
THIN: Final = 0.35  # a topic with less than this share of the average number of texts is thin
SEED: Final = 11
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class TextGroup:
    """A group of texts.

    Attributes:
        name: words that are frequent in it and rare elsewhere.
        x, y: its place on a map on which similar topics are near each other, each from -1 to 1.
        thin: it has so few texts that a model may not learn it.
        members: the indexes of its texts; samples: of those that are most typical.
    """

    name: str
    count: int
    x: float
    y: float
    thin: bool
    members: tuple[int, ...]
    samples: tuple[int, ...]


def topics(vectors: Vectors, texts: Sequence[str]) -> list[TextGroup]:
    """The topics of the texts, the largest first; empty for fewer than 8 texts, which make no groups."""
    if len(texts) < 8:
        return []
    count = max(FEWEST, min(MOST, round(math.sqrt(len(texts) / 2))))
    labels = groups(vectors, count, SEED)
    used = [label for label in range(count) if (labels == label).any()]
    centers = np.stack([vectors[labels == label].mean(axis=0) for label in used])
    places = _places(centers)
    names = _names([[texts[int(at)] for at in np.flatnonzero(labels == label)] for label in used])
    average = len(texts) / len(used)
    found = []
    for number, label in enumerate(used):
        members = np.flatnonzero(labels == label)
        typical = members[np.argsort(-(vectors[members] @ centers[number]), kind="stable")][:SAMPLES]
        found.append(
            TextGroup(
                names[number],
                len(members),
                float(places[number, 0]),
                float(places[number, 1]),
                len(members) < THIN * average,
                tuple(map(int, members)),
                tuple(map(int, typical)),
            )
        )
    return sorted(found, key=lambda topic: -topic.count)


def _places(centers: Vectors) -> np.ndarray:
    """The two directions in which the centers differ most, scaled to -1 to 1."""
    moved = centers - centers.mean(axis=0)
    _, _, axes = np.linalg.svd(moved, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2].sum(axis=1, keepdims=True))  # the same signs in every run
    flat = np.zeros((len(centers), 2))
    flat[:, : len(axes)] = moved @ axes.T
    largest = np.abs(flat).max(axis=0)
    scaled: np.ndarray = np.divide(flat, largest, out=np.zeros_like(flat), where=largest > 0)
    return scaled


def _names(parts: Sequence[Sequence[str]]) -> list[str]:
    """For each group the words whose share of its texts exceeds their share of all texts most.

    Small words only name a group that has no others.
    """
    counts = [Counter(word for text in part for word in set(_WORD.findall(text.casefold()))) for part in parts]
    everywhere = Counter(word for count in counts for word in count.elements())
    total = sum(map(len, parts))
    names = []
    for count, part in zip(counts, parts, strict=True):
        shares = {word: (n / len(part), everywhere[word] / total) for word, n in count.items()}
        weight = {word: here * math.log(here / overall) for word, (here, overall) in shares.items()}
        telling = weight.keys() - SMALL or weight.keys()
        best = sorted(telling, key=lambda word: (-weight[word], word))[:WORDS]
        names.append(", ".join(best) or "no words")
    return names
