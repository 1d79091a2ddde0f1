"""A dataset of feedback: accepted corrections become labeled examples and preference pairs, good answers examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.data.editing import AddedExample, AddExamples, message_dicts
from core.data.editing.rows import made_of
from core.data.examples.identity import identity_of
from core.data.examples.sets import ExampleSet
from core.data.quality import set_rules, structure
from core.data.versions.manifest import Change
from core.data.versions.rows import ProvenanceWriter
from core.data.versions.writer import VersionWriter
from core.errors import Conflict, DataError, NotFound
from core.ids import new_id
from core.platform import scratch
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets, quality
from core.services.data.datasets import edits, publishing, writing
from core.services.data.datasets.writing import Origin
from core.services.serving.feedback.shaping import shaped
from core.serving.feedback import AnswerSnapshot, CorrectionRecord, VoteRecord, store, usable
from core.serving.feedback.store import Asked
from core.text import plural

ORIGIN: Final = "feedback"
MOST: Final = 100_000  # examples at once


@dataclass(frozen=True, slots=True)
class FeedbackPlan:
    """What a dataset of feedback would have, counted.

    Attributes:
        corrections: accepted ones that no dataset has: labeled examples.
        pairs: those of them that are preference pairs too, because the model's own answer is not empty.
        good: answers that were only rated well, and not corrected.
        waiting: corrections that are not reviewed yet.
    """

    corrections: int
    pairs: int
    good: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a dataset got: `examples` new ones, `pairs` of them with a rejected answer; `duplicates` were left out."""

    dataset_id: str
    version_id: str
    examples: int
    pairs: int
    duplicates: int


def plan(agent_id: str = "", model_id: str = "") -> FeedbackPlan:
    """What a dataset of the feedback on an agent, a model or all answers would have now."""
    waiting = store.count_corrections(Asked("", agent_id, model_id))["new"]
    return FeedbackPlan(*usable.count_corrections(agent_id, model_id), usable.count_good(agent_id, model_id), waiting)


def make_dataset(
    name: str = "",
    *,
    agent_id: str = "",
    model_id: str = "",
    dataset_id: str = "",
    good: bool = False,
    redact: bool = True,
    description: str = "",
) -> Gathered:
    """Make a dataset, or the next version of one, of the accepted corrections that no dataset has.

    Args:
        name: of a new dataset. dataset_id: the dataset to add to instead.
        good: also the answers that were rated well.
        redact: replace personal data and secrets by placeholders.

    Raises:
        DataError: there is nothing to add, or the name is not possible. Conflict: the name is taken, or the feedback
            changed in the meantime. NotFound: no such dataset.
    """
    corrections, votes = _found(agent_id, model_id, good=good)
    added, duplicates = _examples(corrections, votes, redact=redact)
    if not added:
        waiting = store.count_corrections(Asked("", agent_id, model_id))["new"]
        waits = (
            f" {plural(waiting, 'correction')} {'waits' if waiting == 1 else 'wait'} for a review." if waiting else ""
        )
        raise DataError(f"No accepted correction waits for a dataset.{waits}", "Accept some corrections first.")
    ids = [one.id for one in corrections]
    made = _next_version(dataset_id, added, ids) if dataset_id else _new(name, description, added, ids)
    pairs = sum(bool(item.rejected) for item in added)
    return Gathered(*made, len(added), pairs, duplicates)


def datasets_made(agent_id: str = "", model_id: str = "") -> tuple[str, ...]:
    """The datasets that have corrections, the one that was added to last at the front."""
    return store.datasets_with(agent_id, model_id)


def dataset_of(found: CorrectionRecord) -> str:
    """The name of the dataset that a correction is part of; "" without one, also where it was deleted."""
    if not found.dataset_id:
        return ""
    try:
        return datasets.get_dataset(found.dataset_id).name
    except NotFound:
        return ""


def _found(agent_id: str, model_id: str, *, good: bool) -> tuple[list[CorrectionRecord], list[VoteRecord]]:
    """The corrections that become examples, and the good votes whose answers do."""
    corrections = usable.corrections(agent_id, model_id, MOST)
    return corrections, usable.good_votes(agent_id, model_id, MOST) if good else []


def _examples(
    corrections: Sequence[CorrectionRecord], votes: Sequence[VoteRecord], *, redact: bool
) -> tuple[list[AddedExample], int]:
    """The examples in order, each once, and how many copies were left out."""
    seen: set[bytes] = set()
    added = []
    items = [*map(_of_correction, corrections), *map(_of_vote, votes)]
    for snapshot, text, rejected, provenance in items:
        messages, worse = shaped(snapshot, text, rejected, redact=redact)
        mark = identity_of(messages)
        if mark not in seen:
            seen.add(mark)
            plain = {"messages": tuple(message_dicts(messages)), "rejected": tuple(message_dicts(worse))}
            added.append(AddedExample(**plain, provenance=provenance))
    return added, len(items) - len(added)


_Item = tuple[AnswerSnapshot, str, str, dict[str, Any]]  # snapshot, answer, rejected answer, provenance


def _of_correction(one: CorrectionRecord) -> _Item:
    about = {
        "made_of": "correction",
        "correction_id": one.id,
        "corrected_by": one.author,
        "accepted_by": one.decided_by,
    }
    return one.snapshot, one.text, one.snapshot.answer, {**about, **_place(one), "accepted_at": one.decided_at}


def _of_vote(vote: VoteRecord) -> _Item:
    about = {"made_of": "rating", "vote_id": vote.id, "rated_by": vote.author, **_place(vote)}
    return vote.snapshot, vote.snapshot.answer, "", about


def _place(one: CorrectionRecord | VoteRecord) -> dict[str, Any]:
    return {
        "conversation_id": one.conversation_id,
        "turn_id": one.turn_id,
        "agent_id": one.agent_id,
        "model_id": one.model_id,
        "model_name": one.snapshot.model_name,
    }


def _new(name: str, description: str, added: Sequence[AddedExample], ids: Sequence[str]) -> tuple[str, str]:
    writing.check_name(name)
    writing.check_characters(name, description)
    what = f"Made from feedback: {plural(len(added), 'example')}."
    with scratch.folder() as folder, VersionWriter(folder) as out:
        seen, provenance = ExampleSet(), ProvenanceWriter(folder)
        for position, item in enumerate(added):
            example = made_of(position + 1, item).result()
            out.add(example, structure.check(example))
            seen.feed(example)
            provenance.add(position, item.provenance)
        provenance.close()
        out.note(set_rules.check_set(seen))
        change = Change("feedback", what, added=len(added))
        publish = writing.prepare(new_id("ds"), name, description, out, Origin(ORIGIN, change=change))
    with UnitOfWork() as uow:
        writing.check_name(name, uow)
        dataset_id = publish(uow)
        version_id = f"{dataset_id}-v1"
        _mark(ids, dataset_id, version_id)(uow)
        uow.commit()
    quality.after_new_version(dataset_id, now=False)
    return dataset_id, version_id


def _next_version(dataset_id: str, added: Sequence[AddedExample], ids: Sequence[str]) -> tuple[str, str]:
    dataset = datasets.get_dataset(dataset_id)
    base = dataset.version
    if not edits.edited_at_once(base):
        text = f"“{dataset.name}” is too large to add to directly: {plural(base.examples, 'example')}."
        raise DataError(text, "Make a dataset of the feedback, then mix both.")
    operation = AddExamples(examples=tuple(added))
    with scratch.folder() as folder:
        staged = edits.build_version(
            base, edits.rows_of(base), operation, "From feedback", folder, publishing.new_attempt(), lambda done: None
        )
    version = edits.publish(staged, _mark(ids, dataset.id, staged.version_id))
    return dataset.id, version.id


def _mark(ids: Sequence[str], dataset_id: str, version_id: str) -> Callable[[UnitOfWork], None]:
    """Record, in the transaction that publishes the version, that these corrections are part of it."""

    def mark(uow: UnitOfWork) -> None:
        if store.still_waiting(uow, ids) != len(ids):
            raise Conflict("The feedback changed in the meantime.", "Look at it again, then make the dataset.")
        store.change_corrections(uow, ids, dataset_id=dataset_id, version_id=version_id, updated_at=time.time())

    return mark
