"""Texts as vectors whose dot product says how similar their meanings are: WordLlama, whose weights are in its wheel.

The vector of a text is the mean of the vectors of its tokens. So it is quick, and it does not know the order of words:
“refund my order” and “order my refund” are the same to it. Source: https://github.com/dleemiller/WordLlama (MIT).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DIMENSIONS: Final = 256
LONGEST: Final = 2_000  # characters of a text: its beginning says what it is about
BATCH: Final = 256

Vectors = NDArray[np.float32]
_loading = threading.Lock()


def embed(texts: Sequence[str]) -> Vectors:
    """One row of length 1 for each text, in its order; zeros for a text without a known token. Shape (n, 256)."""
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    with _loading:
        model = _model()
    rows: Vectors = model.embed([text[:LONGEST] or " " for text in texts], norm=False, batch_size=BATCH)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


def groups(vectors: Vectors, count: int, seed: int) -> NDArray[np.intp]:
    """The number of the group of each row: k-means with `count` groups, of which some may be empty."""
    _quietly_imported()
    from wordllama.algorithms.kmeans import kmeans_clustering

    labels, _ = kmeans_clustering(vectors, count, random_state=seed, n_init=1, max_iterations=30)
    return np.asarray(labels, dtype=np.intp)


@cache
def _model() -> Any:
    package = _quietly_imported()
    here = Path(package.__file__).parent
    return package.WordLlama.load(dim=DIMENSIONS, cache_dir=here, disable_download=True)


@cache
def _quietly_imported() -> Any:
    """The package, which takes a second to load, without the log handler that it adds to every program."""
    before, level = list(logging.root.handlers), logging.root.level
    import wordllama

    logging.root.handlers[:] = before
    logging.root.setLevel(level)
    for name in ("wordllama", "kmeans_logger"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return wordllama
