"""Mix several dataset versions, with weights, into a new dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core import arguments
from core.data.editing.base import Made
from core.data.editing.building import checked
from core.data.editing.choosing import draw, drawn, shares
from core.data.editing.equality import Numbers
from core.data.examples.sets import ExampleSet
from core.data.quality import rules
from core.data.versions import writer
from core.data.versions.manifest import Change
from core.data.versions.rows import PROVENANCE, Provenance, ProvenanceWriter, Rows
from core.data.versions.writer import VersionWriter
from core.errors import DataError, StorageError
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.publishing import sweep_attempts
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, version_file
from core.services.data.datasets.writing import Origin

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
            MixPart(version.id, _title(version), weight, version.examples, count, count / max(whole, 1))
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
    if hold_out is not None and not 0 <= hold_out <= 0.5:
        raise DataError(f"The share to hold out is {hold_out}.", "Choose 0 to 0.5.", field="hold_out")
    for part in planned.parts:
        version_file(part.version_id, writer.EXAMPLES)  # its dataset may be gone
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


# ---- in the worker


def run_mix(ctx: TaskContext) -> Outcome:
    """Do a `mix` task; its dataset's id follows from the task's, so that exactly one appears."""
    payload = ctx.payload
    dataset_writing.sweep()
    sweep_attempts()
    parts = [(get_version(part["version_id"]), float(part["weight"]), int(part["taken"])) for part in payload["parts"]]
    total = sum(taken for _, _, taken in parts)
    looking = "Looking at the examples"
    held_out = _validation_digests([version for version, _, _ in parts], lambda: ctx.progress(0, looking))
    with VersionWriter(ctx.workdir / "version", hold_out=payload.get("hold_out")) as out:
        seen, kept, moved = ExampleSet(), ProvenanceWriter(out.directory), 0
        for version, _, taken in parts:
            for made, provenance in _taken(version, taken, int(payload["seed"])):
                assert made.origin is not None
                example, findings = checked(made, trusted=version.manifest.rules == rules.VERSION)
                if example.split == "train" and made.origin.digest() in held_out:
                    example, moved = replace(example, split="validation"), moved + 1
                kept.add(out.examples, provenance)
                out.add(example, findings)
                seen.feed(example, made.origin.messages)
                ctx.progress(90 * out.examples / max(total, 1), "Mixing", f"{out.examples:,} labeled examples")
                if stopped := ctx.interrupted():
                    return stopped
        kept.close()
        out.note(rules.check_set(seen))
        sources = [
            {"version_id": version.id, "title": _title(version), "weight": weight, "taken": n}
            for version, weight, n in parts
        ]
        shown = ", ".join(f"{item['title']} ({item['taken']:,})" for item in sources)
        change = Change(
            "mix",
            f"Mixed from {shown}.",
            parameters={"parts": sources, "total": payload["total"], "seed": payload["seed"], "moved": moved},
            added=out.examples,
        )
        ctx.progress(90, "Storing", f"{out.examples:,} labeled examples")
        ctx.allow(_STORING_S)
        publish = dataset_writing.prepare(
            dataset_writing.id_of_task(ctx.lease.task_id),
            payload["name"],
            payload.get("description") or "",
            out,
            Origin("mix", parents=tuple(version.id for version, _, _ in parts), change=change),
        )
    ctx.progress(99, "Publishing")
    result = {"examples": out.examples, "moved_to_validation": moved}
    return Outcome("succeeded", result=result, on_commit=lambda uow: {"dataset_id": publish(uow)})


def _taken(version: VersionRecord, wanted: int, seed: int) -> Iterator[tuple[Made, dict[str, Any]]]:
    """`wanted` examples of a version: a sample, or all of it and the training examples again and again."""
    rows = Rows(version_file(version.id, writer.EXAMPLES))
    provenance = _provenance(version)
    for turn, chosen in enumerate(_rounds(rows, wanted, seed)):
        known = Provenance(provenance)
        for entry in rows:
            if chosen is None or chosen[entry.position]:
                yield Made(entry), {**known.of(entry.position), **({"repeat": turn} if turn else {})}


def _rounds(rows: Rows, wanted: int, seed: int) -> Iterator[Numbers | None]:
    """For each time the examples are gone through, a mask of those taken; None takes all."""
    if wanted < rows.total:
        yield draw(rows, wanted, seed)
        return
    yield None
    left = wanted - rows.total
    train = np.fromiter((entry.split == "train" for entry in rows), bool, rows.total)
    again = int(train.sum())
    while left and again:
        if left >= again:
            yield train
            left -= again
        else:
            places = np.nonzero(train)[0]
            mask = np.zeros(rows.total, dtype=bool)
            mask[places[drawn(again, left, seed)]] = True
            yield mask
            left = 0


def _validation_digests(versions: Sequence[VersionRecord], beat: Callable[[], None]) -> set[bytes]:
    """What stands in the validation part of any of them."""
    return {
        entry.digest()
        for version in versions
        if version.validation_examples
        for entry in Rows(version_file(version.id, writer.EXAMPLES), beat)
        if entry.split == "validation"
    }


def _provenance(version: VersionRecord) -> Any:
    try:
        return version_file(version.id, PROVENANCE)
    except StorageError:
        return None


def _title(version: VersionRecord) -> str:
    return f"{get_dataset(version.dataset_id).name} v{version.number}"
