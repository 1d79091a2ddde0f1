"""What services measure, by the studio's own metrics: their names differ, in events, checkpoints and result files."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from core.training.metrics import METRICS
from core.training.providers.hosted import HostedPoint

# A column -> its split and metric. `full_` values are over all held-out examples and replace those of one batch.
ALIASES: Final[Mapping[str, tuple[str, str]]] = {
    "train_loss": ("train", "loss"),
    "training_loss": ("train", "loss"),
    "train_mean_token_accuracy": ("train", "token_accuracy"),
    "train_accuracy": ("train", "token_accuracy"),
    "training_token_accuracy": ("train", "token_accuracy"),
    "valid_loss": ("validation", "loss"),
    "validation_loss": ("validation", "loss"),
    "eval_loss": ("validation", "loss"),
    "valid_mean_token_accuracy": ("validation", "token_accuracy"),
    "valid_accuracy": ("validation", "token_accuracy"),
    "validation_mean_token_accuracy": ("validation", "token_accuracy"),
    "validation_token_accuracy": ("validation", "token_accuracy"),
    "full_valid_loss": ("validation", "loss"),
    "full_valid_mean_token_accuracy": ("validation", "token_accuracy"),
    "full_validation_loss": ("validation", "loss"),
    "full_validation_mean_token_accuracy": ("validation", "token_accuracy"),
}


MOST_STEPS: Final = 2**31 - 1  # what a column holds; a service that counts further counts something else
_PARTS: Final = {"train": "train", "eval": "validation", "valid": "validation", "validation": "validation"}


def by_split(values: Mapping[str, Any], split: str = "") -> dict[str, dict[str, float]]:
    """Measurements by split and metric. Unknown columns, and -1 for *not measured*, are left out.

    Args:
        split: of columns that bear the name of a metric; "" is the training split.
    """
    found: dict[str, dict[str, float]] = {}
    for name in sorted(values, key=lambda name: (name.startswith("full_"), name)):
        part, _, plain = name.rpartition("/")  # `train/loss`, `eval/loss`
        if part:
            alias = (_PARTS[part], plain) if part in _PARTS and plain in METRICS else None
        else:
            alias = ALIASES.get(name) or ((split or "train", name) if name in METRICS else None)
        value = number(values[name])
        if alias is not None and value is not None and value >= 0:
            found.setdefault(alias[0], {})[alias[1]] = value
    return found


def flat(values: Mapping[str, Any]) -> dict[str, float]:
    """The same for a checkpoint: metrics of the training split, and those of held-out examples as `validation_...`."""
    found = by_split(values)
    held = {f"validation_{name}": value for name, value in found.get("validation", {}).items()}
    return {**found.get("train", {}), **held}


def points(rows: Iterable[Mapping[str, Any]]) -> list[HostedPoint]:
    """Points in the order of steps; a row without a step or without a loss is left out."""
    merged: dict[tuple[int, str], dict[str, float]] = {}
    for row in rows:
        step = number(row.get("step"))
        if step is None or not 0 <= step <= MOST_STEPS:
            continue
        for split, values in by_split(row, str(row.get("split") or "")).items():
            merged.setdefault((int(step), split), {}).update(values)
    return [
        HostedPoint(step, "validation" if split == "validation" else "train", values)
        for (step, split), values in sorted(merged.items())
        if "loss" in values
    ]


def table(text: str) -> list[dict[str, str]]:
    """The rows of a result file: CSV, or CSV in base64 (as OpenAI sends it)."""
    first = text.strip().split("\n", 1)[0]
    if "," not in first:
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return []
    return list(csv.DictReader(io.StringIO(text)))


def number(value: Any) -> float | None:
    """A finite number, also where it is written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):  # an integer of 400 digits
        return None
    return found if math.isfinite(found) else None
