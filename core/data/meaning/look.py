"""Look at the examples of a version by meaning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from core.data.meaning import alike as pairs
from core.data.meaning.records import FORMAT, AlikePair, MeaningReport, TopicFound
from core.data.meaning.topics import topics
from core.data.meaning.vectors import Vectors, embed
from core.messages import Example

MOST: Final = 20_000  # examples that are compared with each other
KEPT: Final = 500  # pairs that a report contains
_CHUNK: Final = 2_000  # texts embedded between two reports of progress


@dataclass
class _Read:
    """The inputs and outputs of the compared examples, with their positions and whether they are trained on."""

    positions: list[int] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    trained: list[bool] = field(default_factory=list)


def look(
    examples: Iterable[Example], total: int, version_id: str, progress: Callable[[float], None] | None = None
) -> MeaningReport:
    """Compare the last inputs of the examples.

    Args:
        total: how many examples there are.
        progress: receives the share done, 0 to 1; what it raises ends the work.
    """
    tell = progress or (lambda _: None)
    read = _read(examples, total)
    tell(0.1)
    parts = []
    for start in range(0, len(read.inputs), _CHUNK):
        parts.append(embed(read.inputs[start : start + _CHUNK]))
        tell(0.1 + 0.4 * min(1.0, (start + _CHUNK) / len(read.inputs)))
    vectors: Vectors = np.concatenate([embed([]), *parts])
    train = [at for at, trained in enumerate(read.trained) if trained]
    held = [at for at, trained in enumerate(read.trained) if not trained]
    same = pairs.alike(vectors[train], [read.inputs[at] for at in train])
    tell(0.7)
    known = pairs.nearest(vectors[held], vectors[train])
    tell(0.85)
    found = topics(vectors, read.inputs)
    tell(1.0)

    def pair(first: int, second: int, similarity: float) -> AlikePair:
        outputs = (" ".join(read.outputs[at].split()) for at in (first, second))
        return AlikePair(read.positions[first], read.positions[second], round(similarity, 4), len(set(outputs)) == 1)

    return MeaningReport(
        format=FORMAT,
        version_id=version_id,
        examples=total,
        compared=len(read.inputs),
        alike=tuple(pair(train[one.first], train[one.second], one.similarity) for one in same[:KEPT]),
        alike_total=len(same),
        known=tuple(pair(held[one.first], train[one.second], one.similarity) for one in known[:KEPT]),
        known_total=len(known),
        topics=tuple(
            TopicFound(
                one.name, one.count, round(one.x, 3), round(one.y, 3), one.thin,
                tuple(read.positions[at] for at in one.samples),
            )
            for one in found
        ),
        computed_at=time.time(),
    )  # fmt: skip


def _read(examples: Iterable[Example], total: int) -> _Read:
    """The examples that have an input, at most MOST, drawn evenly."""
    read = _Read()
    step = max(1.0, total / MOST)
    due = 0.0
    for position, example in enumerate(examples):
        if position < due:
            continue
        due += step
        asked = next((message.content for message in reversed(example.messages) if message.role == "user"), "")
        if asked.strip():
            read.positions.append(position)
            read.inputs.append(asked)
            read.outputs.append(example.answer)
            read.trained.append(example.split == "train")
    return read
