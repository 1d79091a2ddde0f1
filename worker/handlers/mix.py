"""Mixes several dataset versions into a new dataset: the kind `mix`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from core.data.editing.base import ResultExample
from core.data.editing.building import ResultBatch, checked
from core.data.editing.choosing import draw, drawn
from core.data.editing.equality import Numbers
from core.data.examples.identity import identity, identity_of
from core.data.examples.sets import ExampleSet
from core.data.quality import set_rules
from core.data.versions import files
from core.data.versions.manifest import Change
from core.data.versions.rows import Entry, Provenance, ProvenanceWriter, Rows
from core.data.versions.writer import VERSION_BYTES_PER_STORED_BYTE, VersionWriter
from core.messages import SPLITS, Split
from core.platform import disk
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.mix import title_of
from core.services.data.datasets.publishing import sweep_attempts
from core.services.data.datasets.records import VersionRecord, get_version, provenance_file, version_file
from core.services.data.datasets.writing import Origin
from core.services.data.results import DatasetResult

_STORING_S: Final = 600.0  # how long finishing and copying the files of ten million examples may be silent


def handle(ctx: TaskContext) -> Outcome:
    """Write the examples of every part; the dataset's id is derived from the task's, so that exactly one appears."""
    payload = ctx.payload
    dataset_writing.sweep()
    sweep_attempts()
    parts = [(get_version(part["version_id"]), float(part["weight"]), int(part["taken"])) for part in payload["parts"]]
    total = sum(taken for _, _, taken in parts)
    looking = "Reading the examples"
    held_out = _held_out([version for version, _, _ in parts], lambda: ctx.progress(0, looking))
    stored = sum(version.size_bytes * taken / max(version.examples, 1) for version, _, taken in parts)
    disk.require(int(VERSION_BYTES_PER_STORED_BYTE * stored), "the mix")
    with VersionWriter(ctx.workdir / "version", hold_out=payload.get("hold_out")) as out:
        seen, kept, moved, count = ExampleSet(), ProvenanceWriter(out.directory), 0, 0
        earlier = EarlierInputs() if payload.get("distinct") else None
        for version, _, taken in parts:
            trusted = version.manifest.rules == set_rules.VERSION
            batch = ResultBatch(version_file(version.id, files.EXAMPLES), out)
            for made, provenance in _taken(version, taken, int(payload["seed"])):
                assert made.origin is not None
                entry = made.origin
                if earlier is not None and earlier.has(entry):
                    continue
                part = held_out.get(identity(entry.messages), "train") if held_out else entry.split
                if SPLITS.index(part) > SPLITS.index(entry.split):
                    moved += 1
                else:
                    part = entry.split
                if trusted and batch.can_take(entry):
                    batch.take(entry.position, part)
                    seen.feed_stored(entry.stored, entry.source_line, part)
                else:
                    example, findings = checked(made, trusted=trusted)
                    example = replace(example, split=part)
                    batch.add(example, findings)
                    seen.feed(example, entry.stored)
                kept.add(count, provenance)
                count += 1
                ctx.progress(90 * count / max(total, 1), "Mixing", f"{count:,} labeled examples")
                ctx.raise_if_interrupted()
            batch.flush()
            if earlier is not None:
                earlier.next_dataset()
        kept.close()
        out.note(set_rules.check_set(seen))
        sources = [
            {"version_id": version.id, "title": title_of(version), "weight": weight, "taken": n}
            for version, weight, n in parts
        ]
        shown = ", ".join(f"{item['title']} ({item['taken']:,})" for item in sources)
        change = Change(
            "mix",
            f"Mixed from {shown}.",
            parameters={"parts": sources, "total": payload["total"], "seed": payload["seed"], "moved": moved}
            | ({"repeated_inputs": earlier.left_out} if earlier is not None else {}),
            added=out.examples,
        )
        ctx.progress(90, "Storing", f"{out.examples:,} labeled examples")
        ctx.allow(_STORING_S)
        origin = Origin("mix", parents=tuple(version.id for version, _, _ in parts), change=change)
        publish = dataset_writing.prepare_of_task(ctx.lease.task_id, payload, out, origin)
    ctx.progress(99, "Publishing")
    examples = out.examples
    return Outcome("succeeded", on_commit=lambda uow: DatasetResult(dataset_id=publish(uow), examples=examples))


class EarlierInputs:
    """The inputs of the datasets before the one that is read, so that each input has the answer of the first one.

    Examples of one dataset with the same input stay: that is what the dataset says.
    """

    def __init__(self) -> None:
        self._before: set[bytes] = set()
        self._here: set[bytes] = set()
        self.left_out = 0

    def has(self, entry: Entry) -> bool:
        """Whether an earlier dataset has this input."""
        messages = entry.example.messages
        last = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
        key = identity_of(messages[: last + 1])
        self._here.add(key)
        self.left_out += key in self._before
        return key in self._before

    def next_dataset(self) -> None:
        """What was read is earlier from now on."""
        self._before |= self._here
        self._here = set()


def _taken(version: VersionRecord, wanted: int, seed: int) -> Iterator[tuple[ResultExample, dict[str, Any]]]:
    """`wanted` examples of a version: a sample, or all of them with the training examples repeated."""
    rows = Rows(version_file(version.id, files.EXAMPLES))
    provenance = provenance_file(version)
    for turn, chosen in enumerate(_rounds(rows, wanted, seed)):
        known = Provenance(provenance)
        for entry in rows:
            if chosen is None or chosen[entry.position]:
                yield ResultExample(entry), {**known.of(entry.position), **({"repeat": turn} if turn else {})}


def _rounds(rows: Rows, wanted: int, seed: int) -> Iterator[Numbers | None]:
    """For each pass over the examples a mask of those to take; None takes all."""
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


def _held_out(versions: Sequence[VersionRecord], beat: Callable[[], None]) -> dict[bytes, Split]:
    """The part of messages that any version holds out: the test part before the validation part."""
    held_out: dict[bytes, Split] = {}
    for version in versions:
        if version.examples > version.train_examples:
            for entry in Rows(version_file(version.id, files.EXAMPLES), beat):
                if entry.split != "train":
                    key = identity(entry.messages)
                    held_out[key] = max(entry.split, held_out.get(key, "train"), key=SPLITS.index)
    return held_out
