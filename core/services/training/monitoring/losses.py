"""How well each example was learned: its loss under the finished model, with the worst and the best examples.

Training and held-out examples are separate: a training example with a high loss may be a mistake; a held-out one only
shows that the model did not generalize to it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import StudioError
from core.messages import Example
from core.platform.storage import get_storage
from core.services.data import datasets
from core.services.training import models
from core.services.training.jobs import reader as job_reader
from core.training.example_losses import FILE, LossRow, read

_BINS = 24
SHOWN = 10  # of each list
CLEARLY = 2.0  # times the median loss, from which on a training example may be a mistake


@dataclass(frozen=True, slots=True)
class LossExample:
    """An example with its loss; `accuracy` is the share (0..1) of its answer's tokens that are predicted correctly."""

    position: int
    split: str
    loss: float
    tokens: int
    accuracy: float
    example: Example


@dataclass(frozen=True, slots=True)
class ExampleLosses:
    """The losses of a model's examples.

    `measured` of `examples` were measured in the available time; `bins` are (low, high, training examples,
    held-out examples), the last one open to the right. `worst` are the training examples that may be mistakes: a token
    of the answer is predicted wrong, and the loss is clearly above the usual one. `best` are those with the lowest
    loss, `held_out` the worst held-out ones; each list starts with the most extreme. They are empty if the dataset
    version was deleted.
    """

    dataset_id: str
    version_id: str
    version_number: int
    is_current: bool  # the dataset has not been changed since
    measured: int
    examples: int
    mean: float
    median_trained: float | None
    median_held_out: float | None
    bins: tuple[tuple[float, float, int, int], ...]
    worst: tuple[LossExample, ...]
    held_out: tuple[LossExample, ...]
    best: tuple[LossExample, ...]


def example_losses(model_id: str) -> ExampleLosses | None:
    """The losses of a model's examples; None if they were not measured (a model of an earlier release)."""
    model = models.get_model(model_id)
    key = f"{model.path}/{FILE}"
    if not get_storage().exists(key):
        return None
    rows = read(get_storage().local_path(key))
    if not rows:
        return None
    spec = job_reader.get_job(model.job_id, with_deleted=True).spec
    trained, held = _ordered(rows, held_out=False), _ordered(rows, held_out=True)
    best = trained[: -SHOWN - 1 : -1] if len(trained) > SHOWN else []
    lists = (_suspicious(trained)[:SHOWN], held[:SHOWN], best)
    version_number, is_current, examples = _version(spec.dataset_id, spec.dataset_version_id, len(rows))
    shown = sorted({row.position for rows_ in lists for row in rows_})
    found = datasets.examples_at(spec.dataset_version_id, shown) if version_number else []
    texts = {row.position: row.example for row in found}
    worst, held_out, best_learned = (_named(rows_, texts) for rows_ in lists)
    return ExampleLosses(
        dataset_id=spec.dataset_id,
        version_id=spec.dataset_version_id,
        version_number=version_number,
        is_current=is_current,
        measured=len(rows),
        examples=examples,
        mean=sum(row.loss * row.tokens for row in rows) / max(1, sum(row.tokens for row in rows)),
        median_trained=_median(trained),
        median_held_out=_median(held),
        bins=_bins(rows),
        worst=worst,
        held_out=held_out,
        best=best_learned,
    )


def locate(dataset_id: str, example: Example, position: int) -> int | None:
    """The position of an example of an earlier version in the newest one; None if it no longer exists."""
    version = datasets.get_dataset(dataset_id).version
    there = datasets.examples_at(version.id, [position])
    if there and there[0].example.messages == example.messages:
        return position
    same = (i for i, one in enumerate(datasets.iter_examples(version.id)) if one.messages == example.messages)
    return next(same, None)


def _ordered(rows: Sequence[LossRow], *, held_out: bool) -> list[LossRow]:
    """The training or the held-out rows, the highest loss first."""
    chosen = [row for row in rows if (row.split == "validation") == held_out]
    return sorted(chosen, key=lambda row: (-row.loss, row.position))


def _suspicious(trained: Sequence[LossRow]) -> list[LossRow]:
    """The training rows that the model answers wrong, with a loss clearly above that of the others."""
    usual = _median(trained) or 0.0
    return [row for row in trained if row.right < row.tokens and row.loss > CLEARLY * usual]


def _median(rows: Sequence[LossRow]) -> float | None:
    return statistics.median(row.loss for row in rows) if rows else None


def _version(dataset_id: str, version_id: str, measured: int) -> tuple[int, bool, int]:
    """(number, whether it is the newest, examples) of the version trained on; number 0 if it was deleted."""
    try:
        version, newest = datasets.get_version(version_id), datasets.get_dataset(dataset_id).version
    except StudioError:
        return 0, False, measured
    return version.number, newest.id == version.id, version.examples - version.test_examples  # those are not measured


def _named(rows: Sequence[LossRow], texts: dict[int, Example]) -> tuple[LossExample, ...]:
    return tuple(
        LossExample(row.position, row.split, row.loss, row.tokens, row.right / max(1, row.tokens), texts[row.position])
        for row in rows
        if row.position in texts
    )


def _bins(rows: list[LossRow]) -> tuple[tuple[float, float, int, int], ...]:
    """Even bins up to the 98th percentile, so that one outlier does not squeeze all others into the first bar."""
    losses = sorted(row.loss for row in rows)
    top = losses[min(len(losses) - 1, int(0.98 * len(losses)))] or losses[-1] or 1.0
    width = top / _BINS
    counts = [[0, 0] for _ in range(_BINS + 1)]
    for row in rows:
        counts[min(_BINS, int(row.loss / width))][row.split == "validation"] += 1
    return tuple((i * width, (i + 1) * width, train, held) for i, (train, held) in enumerate(counts))
