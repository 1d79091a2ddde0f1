"""Exact copies, near duplicates, and both between training and validation."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Any, overload

import numpy as np

from core.data.examples import near_duplicates
from core.data.examples.likeness import Boilerplate
from core.data.examples.near_duplicates import NearDuplicates, Pair
from core.data.examples.sets import ExampleSet
from core.data.quality.checks.base import Case, Progress, Quiet, Settings, shown
from core.data.quality.records import Hit

Numbers = Any  # a one-dimensional numpy array


class TextFile(Sequence[str]):
    """Texts in a temporary file, read when asked for: a million of them need no memory of their own."""

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

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._ends[-1] == 0:
            return ""
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")


class _Without(Sequence[str]):
    """Texts without what most of them have in common."""

    def __init__(self, texts: TextFile, boilerplate: Boilerplate) -> None:
        self._texts, self._boilerplate = texts, boilerplate

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self._boilerplate.without(self._texts[index])


class Copies(Quiet):
    """Compares every example with every other, without looking at each pair.

    Exact copies have the same messages to the character, as in the checks of a conversion. Near duplicates are alike in
    what remains after the words that most examples share; exact copies are not listed among them again.
    """

    def __init__(self, settings: Settings) -> None:
        self._threshold = settings.threshold
        self._examples = ExampleSet()
        self.texts = TextFile()
        self._boilerplate = Boilerplate()
        self.near = NearDuplicates((), ())

    def feed(self, case: Case) -> Iterator[Hit]:
        self._examples.feed(case.example)
        self.texts.append(case.text)
        self._boilerplate.learn(case.text)
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        held_out = self._examples.held_out()
        exact = self._examples.copies()
        first_of = np.arange(len(held_out))  # the first of its exact copies
        for members in exact:
            first_of[members] = _stays(members, held_out)
        leaked: set[int] = set()
        for members in exact:
            where = {bool(value) for value in held_out[members]}
            stays = _stays(members, held_out)
            for position in members:
                told = f"Stands {len(members)} times; "
                told += "this one can stay." if position == stays else f"a copy of example {stays + 1:,}."
                yield Hit("duplicate_examples", position, told, members[0], subject=position != stays)
            if len(where) == 2:
                twin = next(position for position in members if not held_out[position])
                for position in members:
                    out = bool(held_out[position])
                    leaked |= {position} if out else set()
                    told = f"The same stands in training, as example {twin + 1:,}." if out else "The training copy."
                    yield Hit("validation_overlap", position, told, members[0], subject=out)
        texts = _Without(self.texts, self._boilerplate)
        self.near = near_duplicates.find_pairs(texts, self._threshold, progress=progress)
        yield from self._near(self.near, first_of, held_out)
        yield from self._near_leaks(self.near, first_of, held_out, leaked)

    def notes(self) -> Sequence[str]:
        if self.near.complete:
            return ()
        return ("Some groups of near duplicates are so large that not every pair in them was compared.",)

    def _near(self, near: NearDuplicates, first_of: Numbers, held_out: Numbers) -> Iterator[Hit]:
        best = _most_similar(near.pairs, first_of)
        for cluster in near.clusters:
            members = sorted({int(first_of[position]) for position in cluster})
            if len(members) < 2:
                continue  # exact copies of one example only
            stays = _stays(members, held_out)
            for position in members:
                twin, share = best.get(position, (members[0], self._threshold))
                told = f"{share:.0%} alike with example {twin + 1:,}; {len(members)} such examples hang together."
                yield Hit("near_duplicates", position, told, members[0], subject=position != stays)

    def _near_leaks(
        self, near: NearDuplicates, first_of: Numbers, held_out: Numbers, leaked: set[int]
    ) -> Iterator[Hit]:
        best: dict[int, Pair] = {}
        for pair in near.pairs:
            for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
                crossing = held_out[one] and not held_out[other] and one not in leaked
                if crossing and (one not in best or pair.similarity > best[one].similarity):
                    best[one] = pair
        listed: set[int] = set()
        for position, pair in sorted(best.items()):
            twin = pair.second if pair.first == position else pair.first
            told = f"{pair.similarity:.0%} alike with example {twin + 1:,}, which is in training."
            yield Hit("near_leakage", position, told, twin)
            if twin not in listed:
                listed.add(twin)
                like = shown(self.texts[position], 50)
                told = f"In training; alike with example {position + 1:,} of validation: {like}."
                yield Hit("near_leakage", twin, told, twin, subject=False)


def _stays(members: Sequence[int], held_out: Numbers) -> int:
    """Which of a group stays when the others go: the first one in training, else the first."""
    return next((position for position in members if not held_out[position]), members[0])


def _most_similar(pairs: Sequence[Pair], first_of: Numbers) -> dict[int, tuple[int, float]]:
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
