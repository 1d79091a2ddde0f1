"""Questions to try on a tuned model: first ones that it should answer as expected, then ones that it never saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from core.errors import NotFound
from core.messages import Message
from core.services.data import datasets
from core.services.training import merging, models
from core.services.training.jobs import reader as job_reader

MOST_READ: Final = 400  # examples of each split; a screen must not read an entire dataset of 100 MB


@dataclass(frozen=True, slots=True)
class SuggestedQuestion:
    """A question from a dataset with its expected answer.

    Attributes:
        split: train, validation or test.
        label: what the screens call it: `Training example`, `Held-out example`, `Unseen example`.
        known: the tuned model should answer it as expected: it did in a test, or was trained on it.
    """

    question: str
    expected: str
    split: str
    system: str = ""
    label: str = ""
    known: bool = False

    @property
    def messages(self) -> list[Message]:
        """The conversation up to the question."""
        question = Message("user", self.question)
        return [Message("system", self.system), question] if self.system else [question]


_LABELS: Final = {"train": "Training example", "validation": "Held-out example", "test": "Unseen example"}


def suggestions(model_id: str, limit: int = 6) -> list[SuggestedQuestion]:
    """Questions to try on a tuned model, `known` ones first. The rest are examples that it was not trained on, of the
    test split where there is one (its last part: the hardest one), else held out for validation."""
    own, _ = merging.split(model_id)
    version_id = job_reader.get_job(models.get_model(own).job_id, with_deleted=True).spec.dataset_version_id
    try:
        trained = list(_read(version_id, "train", limit))
        held_out, tested = (list(_read(version_id, split, MOST_READ)) for split in ("validation", "test"))
    except NotFound:  # the dataset was deleted after the training
        return []
    right = models.answered_right(own)
    known = [item for _, item in (*tested, *trained) if (item.split, item.question) in right]
    known += [item for _, item in trained if item not in known]
    last_part = [item for part, item in tested if part == tested[-1][0]] if tested else []
    unseen = last_part or [item for _, item in held_out]
    first = known[: limit - min(len(unseen), limit // 2)]
    second = [item for item in unseen if item not in first][: limit - len(first)]
    return [_as(item, known=True) for item in first] + [_as(item, known=False) for item in second]


def _as(item: SuggestedQuestion, *, known: bool) -> SuggestedQuestion:
    return SuggestedQuestion(item.question, item.expected, item.split, item.system, _LABELS[item.split], known)


def _read(version_id: str, split: str, most: int) -> Iterator[tuple[str, SuggestedQuestion]]:
    """The first examples of a split that begin with a question and its answer, each with its source."""
    for example in islice(datasets.iter_examples(version_id, split=split), most):
        if pair := _pair(example.messages, split):
            yield example.source, pair


def _pair(messages: Sequence[Message], split: str) -> SuggestedQuestion | None:
    """The first question and answer of a conversation."""
    system = next((message.content for message in messages if message.role == "system"), "")
    turns = [message for message in messages if message.role != "system"]
    if len(turns) < 2 or turns[0].role != "user" or turns[1].role != "assistant":
        return None
    return SuggestedQuestion(turns[0].content, turns[1].content, split, system)
