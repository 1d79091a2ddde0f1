"""What people asked that no example of the model's dataset resembles, in groups: what the next dataset should cover.

Only shown: an input without a similar example may be nonsense as well as a new topic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy import select

from core.data.meaning.alike import nearest
from core.data.meaning.topics import topics
from core.data.meaning.vectors import Vectors, embed
from core.errors import NotFound
from core.platform.db.tables import TURNS
from core.platform.db.uow import read
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.results import TaskResult
from core.services.data import datasets
from core.services.data.datasets.writing import enqueue
from core.services.serving import chat

KIND: Final = "gaps"
MOST_ASKED: Final = 5_000  # the newest inputs that are compared
MOST_EXAMPLES: Final = 20_000  # of each dataset version, drawn evenly
LISTED: Final = 1_000  # inputs that a result contains
RESEMBLES: Final = 0.4  # other wordings of one request lie above it, other subjects below 0.3
_ANY: Final = -1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A group of inputs that no example resembles; `turn_ids` are all of them, the most typical first."""

    name: str
    turn_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapsResult(TaskResult):
    """What was found.

    Attributes:
        compared: inputs that were asked of a tuned model, of which `uncovered` have no similar example.
        gaps: `name` and `turn_ids` of each group. similarity: of the most similar example, by the id of the turn.
    """

    compared: int
    uncovered: int
    gaps: Sequence[Mapping[str, Any]]
    similarity: Mapping[str, float]

    @property
    def groups(self) -> tuple[Gap, ...]:
        return tuple(Gap(str(one["name"]), tuple(one["turn_ids"])) for one in self.gaps)


@dataclass(frozen=True, slots=True)
class _Asked:
    turn_id: str
    text: str
    version_id: str


def start_gaps(days: int | None) -> TaskRecord:
    """Look for gaps in the inputs of the last days (None: of all time) as a background task; one that already waits
    or runs is returned."""
    return running_gaps() or enqueue(KIND, "Look for what no example resembles", {"days": days}, None)


def running_gaps() -> TaskRecord | None:
    """The task that waits or runs, if there is one."""
    return next(iter(store.find(kind=KIND, states=("pending", "running"))), None)


def newest_gaps() -> TaskRecord | None:
    """The newest finished task; its result is a GapsResult."""
    return next(iter(store.find(kind=KIND, states=("succeeded",))), None)


def find_gaps(days: int | None, progress: Callable[[float], None]) -> GapsResult:
    """Compare inputs with the examples that their models were trained on."""
    asked = list(_asked(days))
    by_version: dict[str, list[_Asked]] = {}
    for one in asked:
        by_version.setdefault(one.version_id, []).append(one)
    left: list[_Asked] = []
    rows: list[Vectors] = []
    similarity: dict[str, float] = {}
    compared = 0
    for number, (version_id, group) in enumerate(by_version.items()):
        progress(0.8 * number / len(by_version))
        examples = _examples(version_id)
        if not examples:
            continue
        compared += len(group)
        vectors = embed([one.text for one in group])
        best = {pair.first: pair.similarity for pair in nearest(vectors, embed(examples), _ANY)}
        for at, one in enumerate(group):
            if best.get(at, 0.0) < RESEMBLES:
                left.append(one)
                rows.append(vectors[at])
                similarity[one.turn_id] = round(max(0.0, best.get(at, 0.0)), 3)
    progress(0.9)
    listed = left[:LISTED]
    return GapsResult(
        compared=compared,
        uncovered=len(left),
        gaps=list(_groups(listed, rows[:LISTED])),
        similarity={one.turn_id: similarity[one.turn_id] for one in listed},
    )


def questions(turn_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The text and the conversation of each input that still exists."""
    query = select(TURNS.c.id, TURNS.c.content, TURNS.c.conversation_id).where(TURNS.c.id.in_(turn_ids))
    return {row[0]: (row[1], row[2]) for row in read(query)}


def _groups(left: Sequence[_Asked], rows: Sequence[Vectors]) -> Iterator[dict[str, Any]]:
    if not left:
        return
    found = topics(np.stack(rows), [one.text for one in left])
    if not found:  # too few for topics
        yield {"name": "", "turn_ids": [one.turn_id for one in left]}
    for topic in found:
        order = [*topic.samples, *(at for at in topic.members if at not in topic.samples)]
        yield {"name": topic.name, "turn_ids": [left[at].turn_id for at in order]}


def _asked(days: int | None) -> Iterator[_Asked]:
    """The newest inputs that a tuned model answered, each with the dataset version that it was trained on."""
    answer = TURNS.alias()
    query = (
        select(TURNS.c.id, TURNS.c.content, answer.c.model_id)
        .join(
            answer, (answer.c.conversation_id == TURNS.c.conversation_id) & (answer.c.position == TURNS.c.position + 1)
        )
        .where(TURNS.c.role == "user", answer.c.role == "assistant")
        .order_by(TURNS.c.created_at.desc())
        .limit(MOST_ASKED)
    )
    if days is not None:
        query = query.where(TURNS.c.created_at >= time.time() - days * 86_400)
    versions: dict[str, str] = {}
    for turn_id, text, model_id in read(query):
        if model_id not in versions:
            versions[model_id] = _trained_on(model_id)
        if versions[model_id] and text.strip():
            yield _Asked(turn_id, text, versions[model_id])


def _trained_on(model_id: str) -> str:
    try:
        return chat.trained_on(model_id)
    except NotFound:  # the model was deleted
        return ""


def _examples(version_id: str) -> list[str]:
    """The inputs of a version's examples; none where its dataset was deleted."""
    try:
        step = max(1, -(-datasets.get_version(version_id).examples // MOST_EXAMPLES))
        every = enumerate(datasets.iter_examples(version_id))
        return [message.content for at, example in every if at % step == 0
                for message in example.messages if message.role == "user"]  # fmt: skip
    except NotFound:
        return []
