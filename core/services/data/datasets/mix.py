"""Mix several dataset versions, with weights, into a new dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from core import arguments
from core.data.editing.choosing import shares
from core.data.versions import files
from core.errors import DataError
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, version_file

MAX_EXAMPLES = 10_000_000
MAX_PARTS = 50
_STORING_S = 600.0  # how long finishing and copying the files of ten million examples may be silent


@dataclass(frozen=True, slots=True)
class MixPart:
    """What one dataset gives to a mix: `taken` of its `available` examples, `share` of the whole (0-1)."""

    version_id: str
    title: str
    weight: float
    available: int
    taken: int
    share: float

    @property
    def repeats(self) -> bool:
        """Whether some of its examples are used more than once."""
        return self.taken > self.available


@dataclass(frozen=True, slots=True)
class MixPlan:
    """What a mix would be made of, in examples."""

    total: int
    parts: tuple[MixPart, ...]


def mix_plan(parts: Sequence[tuple[str, float]], total: int | None = None) -> MixPlan:
    """How many examples each part gives.

    Args:
        parts: version ids with their weights. Without a total, a weight is how often each example is used: 1 once,
            2 twice, 0.5 every second one. With a total, it is the part's share of it: 3 and 1 give 75 % and 25 %.
        total: examples in all.

    Raises:
        DataError: no part, a weight that is not above 0, or more examples than can be. NotFound: a version is gone.
    """
    for part in arguments.many(parts, "parts"):
        if not isinstance(part, tuple | list) or len(part) != 2 or isinstance(part[1], bool | str | None):
            raise DataError(f"A part of the mix is {part!r}.", "Give a version and its weight.", field="parts")
    if not parts or len(parts) > MAX_PARTS:
        raise DataError(f"A mix needs 1 to {MAX_PARTS} datasets.", "Choose the datasets to mix.", field="parts")
    if len({version_id for version_id, _ in parts}) < len(parts):
        raise DataError("The same version is in the mix twice.", "Give it a larger weight instead.", field="parts")
    for _, weight in parts:
        if not (0 < weight <= 1_000):
            raise DataError(f"The weight {weight:g} cannot be.", "Choose one above 0, at most 1,000.", field="weight")
    if total is not None and not 1 <= total <= MAX_EXAMPLES:
        raise DataError(f"{total:,} examples cannot be.", f"Choose 1 to {MAX_EXAMPLES:,}.", field="total")
    versions = [get_version(version_id) for version_id, _ in parts]
    weights = [weight for _, weight in parts]
    if total is None:
        taken = [max(1, round(version.examples * weight)) for version, weight in zip(versions, weights, strict=True)]
        if sum(taken) > MAX_EXAMPLES:
            text = f"The mix would have {sum(taken):,} examples; at most {MAX_EXAMPLES:,} can be."
            raise DataError(text, "Choose smaller weights.", field="weight")
    else:
        # Shares of a total that is above every part's size: the largest remainder settles what does not divide.
        scale = 1_000_000
        taken = shares([round(weight * scale * total) for weight in weights], total)
    whole = sum(taken)
    return MixPlan(
        whole,
        tuple(
            MixPart(version.id, title_of(version), weight, version.examples, count, count / max(whole, 1))
            for version, weight, count in zip(versions, weights, taken, strict=True)
        ),
    )


def mix(
    name: str,
    parts: Sequence[tuple[str, float]],
    total: int | None = None,
    seed: int = 42,
    description: str = "",
    hold_out: float | None = None,
) -> TaskRecord:
    """Make a new dataset of several versions, as a background task; see `mix_plan` for what weights mean.

    Every example keeps its part (training or validation), its flags, source and provenance. One that would stand on
    both sides, because two datasets have it, goes to validation. An example is repeated only in training.

    Raises:
        DataError: what `mix_plan` refuses, or the name. Conflict: the name is taken.
    """
    planned = mix_plan(parts, total)
    dataset_writing.check_characters(name, description)
    dataset_writing.check_name(name)
    dataset_writing.check_hold_out(hold_out)
    for part in planned.parts:
        version_file(part.version_id, files.EXAMPLES)  # its dataset may be gone
    payload = {
        "name": name.strip(),
        "description": description,
        "parts": [
            {"version_id": part.version_id, "weight": part.weight, "taken": part.taken} for part in planned.parts
        ],
        "total": total,
        "seed": seed,
        "hold_out": hold_out,
    }
    key = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:24]
    return dataset_writing.enqueue_again("mix", f"Mix “{name.strip()}”", payload, f"mix:{key}")


def title_of(version: VersionRecord) -> str:
    """A version's name for people: the dataset's name and the version's number."""
    return f"{get_dataset(version.dataset_id).name} v{version.number}"
