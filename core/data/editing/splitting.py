"""Divide the examples into a training and a validation part; equal examples never end up in both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from core.data.editing.base import OPERATIONS, Operation, OperationSource, ResultExample
from core.data.editing.choosing import NearTexts, shares, strata_of
from core.data.editing.equality import Digests, Numbers, joined, seeded, text_digest
from core.data.examples.identity import identity
from core.data.versions.rows import Entry
from core.errors import DataError
from core.messages import Split as Part

GROUPINGS = {
    "row": "the source row they came from",
    "input": "the first user message",
    "system": "the system message",
    "answer": "the last answer",
    "source": "the file they came from",
    "near": "almost the same words",
}


_PARTS: Final[tuple[Part, Part]] = ("train", "validation")


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A mask of the held-out positions; not `complete`: some groups are too large to compare every pair in them."""

    held_out: Numbers
    complete: bool


@OPERATIONS.add
class Split(Operation):
    """Hold out a share for validation: near duplicates together, at random, with the balance of the answers, or by
    complete groups.

    Examples of the test part remain there, and do not count.
    """

    id: ClassVar[str] = "split"
    title: ClassVar[str] = "Split into training and validation"
    kind: Literal["near", "random", "stratified", "group"] = Field(
        default="near",
        title="How",
        description="near (recommended): at random, near duplicates together. random: at random. stratified: with the "
        "balance of the answers. group: complete groups.",
    )
    share: float = Field(
        default=0.1, ge=0, le=0.9, title="Share to hold out", description="0 puts everything into training."
    )
    seed: int = Field(default=42, ge=0, le=2**31 - 1, title="Seed", description="The same seed gives the same split.")
    by: Literal["row", "input", "system", "answer", "source", "near"] = Field(
        default="input", title="Group by", description="What keeps examples together, where complete groups are moved."
    )

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        held_out = self.choice(rows).held_out
        return (
            ResultExample(entry, split=entry.split if entry.split == "test" else _PARTS[bool(held_out[index])])
            for index, entry in enumerate(rows)
        )

    def describe(self) -> str:
        if not self.share:
            return "Put every example in the training split."
        return f"Held out {self.share:.4g} of the examples for validation, {self.rule}."

    @property
    def rule(self) -> str:
        """`near duplicates together (seed 42)`."""
        how = {
            "near": "near duplicates together",
            "random": "at random",
            "stratified": "with the balance of the answers",
            "group": f"in complete groups by {GROUPINGS[self.by]}",
        }[self.kind]
        return f"{how} (seed {self.seed})"

    def choice(self, rows: OperationSource) -> HeldOut:
        """What is held out, and whether all near duplicates were looked for."""
        usable, digests = bytearray(), Digests()

        def see(entry: Entry) -> None:
            usable.append(entry.split != "test")
            digests.add(identity(entry.messages))

        near = None
        if "near" in (self.kind, self.by if self.kind == "group" else ""):
            near = NearTexts(rows, see).groups(0.8)
        else:
            for entry in rows:
                see(entry)
        units, counted = digests.numbers(), np.frombuffer(usable, bool)
        strata, complete = np.zeros(len(units), dtype=np.int64), True
        if near:
            units, complete = joined(units, near.numbers), near.complete
        elif self.kind == "group":
            units = joined(units, self._groups(rows))
        elif self.kind == "stratified":
            strata = strata_of(rows)
        target = round(self.share * int(counted.sum()))
        names, first = np.unique(units, return_index=True)
        sizes = np.bincount(units, weights=counted, minlength=len(units))[names].astype(np.int64)
        # The chance of a unit depends on its content, so that the split does not depend on the order of the rows.
        chances = np.fromiter((seeded(self.seed, digests[at]) for at in names), np.uint64, len(names))
        chosen = np.zeros(len(units), dtype=bool)
        targets = shares(np.bincount(strata, weights=counted, minlength=1).astype(np.int64).tolist(), target)
        unit_strata = strata[first]
        order = np.lexsort((chances, unit_strata))
        for name, size, stratum in zip(*(of[order].tolist() for of in (names, sizes, unit_strata)), strict=True):
            if 0 < size <= targets[stratum]:
                targets[stratum] -= size
                chosen[name] = True
        held_out: Numbers = chosen[units] & counted
        if self.share and not held_out.any():
            what = {"group": "group", "near": "group of near duplicates"}.get(self.kind, "example")
            text = f"No {what} is small enough for a share of {self.share:.4g} of {int(counted.sum()):,} examples."
            raise DataError(text, "Choose a larger share, or another way to split.", field="share")
        return HeldOut(held_out, complete)

    def _groups(self, rows: OperationSource) -> Numbers:
        return Digests(text_digest(self.key(entry)) for entry in rows).numbers()

    def key(self, entry: Entry) -> str:
        """What keeps an example together with others, where complete groups are moved."""
        if self.by == "row":
            # A line of 0 means that there is no row: such an example is a group by itself.
            return f"{entry.source}\0{entry.source_line}" if entry.source_line else f"\0{entry.position}"
        if self.by == "source":
            return entry.source
        if self.by == "answer":
            return entry.label
        role = "user" if self.by == "input" else "system"
        return next((message.content for message in entry.example.messages if message.role == role), "")
