"""Examples that are the same or nearly the same, also between training and what is held out."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any

import numpy as np

from core.data.examples.likeness import Boilerplate
from core.data.examples.near import near_duplicates
from core.data.examples.near.near_duplicates import NearDuplicates, SimilarPair
from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, Case, CheckSettings, Hit, Progress, shown
from core.data.issues.duplicate_map import DuplicateMap, draw
from core.data.issues.issue import EDIT, ISSUES, Affected, Fix, Issue, ScoreShare, Verdict, positions

Numbers = Any  # a one-dimensional numpy array


class TextFile:
    """Texts in a temporary file, read on request: a million of them take no memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        self._ends = array("Q", (0,))
        self._map: mmap.mmap | None = None

    def append(self, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass")
        self._file.write(raw)
        self._ends.append(self._ends[-1] + len(raw))
        self._map = None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._ends[-1] == 0:
            return ""
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")


class _Without:
    """Texts without what most of them have in common."""

    def __init__(self, texts: TextFile, boilerplate: Boilerplate) -> None:
        self._texts, self._boilerplate = texts, boilerplate

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return (self._boilerplate.without(self._texts[index]) for index in range(len(self)))


class Copies(BaseCheck):
    """Compares every example with every other, without looking at each pair.

    Exact copies are the same by `examples.identity`. Near duplicates are alike in what remains after the words that
    most examples share; exact copies are not listed among them again.
    """

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._texts = TextFile()
        self._boilerplate = Boilerplate()
        self._near = NearDuplicates((), ())

    def feed(self, case: Case) -> Iterator[Hit]:
        self._texts.append(case.text)
        self._boilerplate.learn(case.text)
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        held_out, exact = seen.held_out(), seen.copies()
        first_of = np.arange(len(held_out))  # the one of its exact copies that is kept
        leaked: set[int] = set()
        for members in exact:
            kept = _kept(members, held_out)
            first_of[members] = kept
            leaked |= {position for position in members if held_out[position] and not held_out[kept]}
            yield from _exact(members, kept, held_out)
        texts = _Without(self._texts, self._boilerplate)
        self._near = near_duplicates.find_pairs(texts, self.settings.threshold, progress=progress)
        yield from self._near_copies(first_of, held_out)
        yield from self._near_leaks(held_out, leaked)

    def notes(self) -> Sequence[str]:
        if self._near.complete:
            return ()
        return ("Some groups of near duplicates are so large that not every pair in them was compared.",)

    def duplicate_map(self, seen: ExampleSet) -> DuplicateMap | None:
        return draw(self._near, lambda position: shown(self._texts[position], 60), seen.held_out())

    def _near_copies(self, first_of: Numbers, held_out: Numbers) -> Iterator[Hit]:
        best = _most_similar(self._near.pairs, first_of)
        for cluster in self._near.clusters:
            members = sorted({int(first_of[position]) for position in cluster})
            if len(members) < 2:
                continue  # exact copies of one example only
            kept = _kept(members, held_out)
            for position in members:
                twin, share = best.get(position, (members[0], self.settings.threshold))
                detail = f"{share:.0%} similar to example {twin + 1:,}; part of a group of {len(members)}."
                yield Hit("near_duplicates", position, detail, members[0], subject=position != kept)

    def _near_leaks(self, held_out: Numbers, leaked: set[int]) -> Iterator[Hit]:
        best: dict[int, SimilarPair] = {}
        for pair in self._near.pairs:
            for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
                crossing = held_out[one] and not held_out[other] and one not in leaked
                if crossing and (one not in best or pair.similarity > best[one].similarity):
                    best[one] = pair
        listed: set[int] = set()
        for position, pair in sorted(best.items()):
            twin = pair.second if pair.first == position else pair.first
            detail = f"{pair.similarity:.0%} similar to example {twin + 1:,}, which is in training."
            yield Hit("near_leakage", position, detail, twin)
            if twin not in listed:
                listed.add(twin)
                text = shown(self._texts[position], 50)
                detail = f"In training; similar to held-out example {position + 1:,}: {text}."
                yield Hit("near_leakage", twin, detail, twin, subject=False)


def _exact(members: Sequence[int], kept: int, held_out: Numbers) -> Iterator[Hit]:
    """The hits of a group of exact copies: as duplicates, and as leaks where both parts have one."""
    for position in members:
        detail = f"Appears {len(members)} times; "
        detail += "keep this one." if position == kept else f"a copy of example {kept + 1:,}."
        yield Hit("duplicate_examples", position, detail, members[0], subject=position != kept)
    if held_out[kept] or not held_out[members].any():
        return
    for position in members:
        out = bool(held_out[position])
        detail = f"Also in training, as example {kept + 1:,}." if out else "The copy in training."
        yield Hit("validation_overlap", position, detail, members[0], subject=out)


def _kept(members: Sequence[int], held_out: Numbers) -> int:
    """Which of a group is kept when the others are dropped: the first one in training, else the first."""
    return next((position for position in members if not held_out[position]), members[0])


def _most_similar(pairs: Sequence[SimilarPair], first_of: Numbers) -> dict[int, tuple[int, float]]:
    """For each example, which other one it resembles most, and how much; exact copies do not count."""
    best: dict[int, tuple[int, float]] = {}
    for pair in pairs:
        one, other = int(first_of[pair.first]), int(first_of[pair.second])
        if one == other:
            continue
        for here, there in ((one, other), (other, one)):
            if here not in best or pair.similarity > best[here][1]:
                best[here] = (there, pair.similarity)
    return best


# ---- rules


def duplicates(seen: ExampleSet) -> Verdict | None:
    """Examples that are the same as an earlier one."""
    groups = seen.copies()
    return Verdict(int((groups.sizes - 1).sum()), groups) if groups else None


def overlap(seen: ExampleSet) -> Verdict | None:
    """Validation and test examples that training has too."""
    copies = seen.copies()
    held_out = copies.counts(seen.held_out())
    crossing = (held_out > 0) & (held_out < copies.sizes)
    return Verdict(int(held_out[crossing].sum()), copies.only(crossing)) if crossing.any() else None


# ---- fixes


def _copies_to_drop(affected: Affected) -> list[int]:
    """All but the one that is kept of each group; with a near duplicate go its exact copies."""
    drop = {row.position for row in affected.rows if row.subject}
    twins = _twins(affected)
    drop |= {copy for position in tuple(drop) for copy in twins.get(position, ())}
    return sorted(drop - {row.position for row in affected.rows if not row.subject})


def _groups(affected: Affected) -> list[list[int]]:
    """The groups with the exact copies of their members."""
    twins = _twins(affected)
    groups: dict[int, set[int]] = {}
    for position, group, _ in affected.rows:
        groups.setdefault(group, set()).update((position, *twins.get(position, ())))
    return [sorted(members) for members in groups.values() if len(members) > 1]


def _merge_groups(affected: Affected) -> Mapping[str, Any]:
    groups = _groups(affected)
    return {"groups": groups, "keep": "longest"} if groups else {}


def _twins(affected: Affected) -> dict[int, list[int]]:
    """All exact copies of an example that has some, by its position."""
    groups: dict[int, list[int]] = {}
    for position, group, _ in affected.places("duplicate_examples"):
        groups.setdefault(group, []).append(position)
    return {position: members for members in groups.values() for position in members}


def _held_out_positions(affected: Affected) -> list[int]:
    """The held-out examples among those to be fixed; the others are listed for comparison only."""
    held_out = {row.position for row in affected.rows if row.subject}
    return [position for position in affected.positions if position in held_out]


_MOVE = Fix.at(
    _held_out_positions,
    "move_to_train",
    "Move {n} to training",
    "They are trained on, and neither validate nor test any more.",
    "move",
    split="train",
)
_copy = partial(Issue, subject="Copies and leakage", scope="set")

# fmt: off
ISSUES.add(_copy("validation_overlap", "Held-out examples also in training", "warning",
    "{examples} of the validation or test part also appear{s} in training.",
    "Results look too good on examples that training has seen. Move them into training, or drop them.",
    (_MOVE,
     Fix("drop", "Drop {n} held out", "The training copies remain.", "drop_rows", positions, drops_all=True)),
    ScoreShare("separation", 1.0), check=Copies, rule=overlap))
ISSUES.add(_copy("near_leakage", "Held-out examples nearly the same as training ones", "warning",
    "{examples} of the validation or test part {are} nearly the same as one in training.",
    "Near copies distort results like exact ones. Move them into training, or drop them.",
    (_MOVE,
     Fix("drop", "Drop {n} held out", "The training examples remain.", "drop_rows", positions, drops_all=True)),
    ScoreShare("separation", 1.0), check=Copies))
ISSUES.add(_copy("duplicate_examples", "Exact copies", "warning",
    "{redundant}{in_groups}: exact copies of others.", "Copies are learned as often as they occur. Keep one of each.",
    (Fix.at(_copies_to_drop, "drop_copies", "Drop {copies}", "The first of each group is kept.", "drop_rows"), EDIT),
    ScoreShare("uniqueness", 1.0), check=Copies, rule=duplicates))
ISSUES.add(_copy("near_duplicates", "Near duplicates", "warning",
    "{redundant}{in_groups}: nearly the same as others.",
    "Near duplicates add little and count as much as others. Keep one of each group, unless they are intended.",
    (Fix.at(_copies_to_drop, "drop_copies", "Keep the first of each, drop {n}", "By their order.", "drop_rows"),
     Fix("keep_longest", "Keep the longest of each, drop {n}", "By their length.", "merge", _merge_groups,
         lambda affected: sum(len(group) - 1 for group in _groups(affected))),
     EDIT),
    ScoreShare("uniqueness", 1.0), check=Copies))
