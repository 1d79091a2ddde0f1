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
_STORING_S = 600.0  # the longest silence while the files of ten million examples are finished and copied


@dataclass(frozen=True, slots=True)
class MixPart:
    """What one dataset contributes to a mix: `taken` of its `available` examples, `share` of the total (0 to 1)."""

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
    """The composition of a mix, in examples."""

    total: int
    parts: tuple[MixPart, ...]


def mix_plan(parts: Sequence[tuple[str, float]], total: int | None = None) -> MixPlan:
    """How many examples each part contributes.

    Args:
        parts: version ids with their weights. Without a total, a weight is how often each example is used: 1 once,
            2 twice, 0.5 every second one. With a total, it is the part's share of it: 3 and 1 give 75 % and 25 %.
        total: total number of examples.

    Raises:
        DataError: no part, an invalid weight, or more examples than the limit. NotFound: a version was deleted.
    """
    for part in arguments.many(parts, "parts"):
        if not isinstance(part, tuple | list) or len(part) != 2 or isinstance(part[1], bool | str | None):
            text = f"A part of the mix must be a version and its weight; got {part!r}."
            raise DataError(text, "Give both.", field="parts")
    if not parts or len(parts) > MAX_PARTS:
        raise DataError(f"A mix needs 1 to {MAX_PARTS} datasets.", "Choose the datasets to mix.", field="parts")
    if len({version_id for version_id, _ in parts}) < len(parts):
        raise DataError("The same version appears twice in the mix.", "Give it a larger weight instead.", field="parts")
    for _, weight in parts:
        if not (0 < weight <= 1_000):
            text = f"The weight must be above 0 and at most 1,000; got {weight:g}."
            raise DataError(text, "Choose another one.", field="weight")
    if total is not None and not 1 <= total <= MAX_EXAMPLES:
        text = f"The total must be between 1 and {MAX_EXAMPLES:,}; got {total:,}."
        raise DataError(text, "Choose another one.", field="total")
    versions = [get_version(version_id) for version_id, _ in parts]
    weights = [weight for _, weight in parts]
    if total is None:
        taken = [max(1, round(version.examples * weight)) for version, weight in zip(versions, weights, strict=True)]
        if sum(taken) > MAX_EXAMPLES:
            text = f"A mix can hold at most {MAX_EXAMPLES:,} examples; this one would have {sum(taken):,}."
            raise DataError(text, "Choose smaller weights.", field="weight")
    else:
        # Shares of a total that is above every part's size: the rest goes to the largest remainders.
        scale = 1_000_000
        taken = shares([round(weight * scale * total) for weight in weights], total)
    examples = sum(taken)
    return MixPlan(
        examples,
        tuple(
            MixPart(version.id, title_of(version), weight, version.examples, count, count / max(examples, 1))
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
    *,
    distinct: bool = False,
) -> TaskRecord:
    """Create a new dataset from several versions, as a background task; see `mix_plan` for what weights mean.

    Every example keeps its part (training or validation), its flags, source and provenance. One that would be in
    both parts, because two datasets have it, goes to validation. An example is repeated only in training.

    Args:
        distinct: leave out an example whose input an earlier dataset has: put the corrections first.

    Raises:
        DataError: what `mix_plan` refuses, or the name. Conflict: the name is taken.
    """
    planned = mix_plan(parts, total)
    dataset_writing.check_characters(name, description)
    dataset_writing.check_name(name)
    dataset_writing.check_hold_out(hold_out)
    for part in planned.parts:
        version_file(part.version_id, files.EXAMPLES)  # its dataset may have been deleted
    payload = {
        "name": name.strip(),
        "description": description,
        "parts": [
            {"version_id": part.version_id, "weight": part.weight, "taken": part.taken} for part in planned.parts
        ],
        "total": total,
        "seed": seed,
        "hold_out": hold_out,
        **({"distinct": True} if distinct else {}),
    }
    key = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:24]
    return dataset_writing.enqueue_again("mix", f"Mix “{name.strip()}”", payload, f"mix:{key}")


def title_of(version: VersionRecord) -> str:
    """The display name of a version: the dataset's name and the version's number."""
    return f"{get_dataset(version.dataset_id).name} v{version.number}"
