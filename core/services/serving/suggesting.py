"""Inputs to try on a tuned model, from the dataset it was trained on: trained ones first, then held-out ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from core.errors import NotFound
from core.messages import Message, Split
from core.services.data import datasets
from core.services.serving.evaluating import reports
from core.services.training import merging, models

MOST_READ: Final = 400  # examples of each split; a screen must not read an entire dataset of 100 MB


@dataclass(frozen=True, slots=True)
class SuggestedQuestion:
    """An input from a dataset with its expected output."""

    question: str
    expected: str
    split: Split

    @property
    def trained(self) -> bool:
        """Whether the model was trained on it; otherwise it was held out."""
        return self.split == "train"


def json_fields(expected: Iterable[str]) -> tuple[str, ...]:
    """The fields of the expected outputs, in the order of the first one, if all of them are JSON objects; else ()."""
    found: dict[str, None] = {}
    for text in expected:
        try:
            value = json.loads(text)
        except ValueError:
            return ()
        if not isinstance(value, dict):
            return ()
        found.update(dict.fromkeys(map(str, value)))
    return tuple(found)


def suggestions(model_id: str, limit: int = 6) -> list[SuggestedQuestion]:
    """Inputs to try on a tuned model: first some that it was trained on, then some that were held out, of the test
    split where there is one (its last part: the hardest one), else of the validation split.

    What an evaluation of the model found right comes first among the trained ones.
    """
    version_id = trained_on(model_id)
    try:
        trained = [item for _, item in _read(version_id, "train", MOST_READ)]
        held_out, tested = (list(_read(version_id, split, MOST_READ)) for split in ("validation", "test"))
    except NotFound:  # the dataset was deleted after the training
        return []
    right = reports.answered_right(model_id)
    trained.sort(key=lambda item: (item.split, item.question) not in right)  # stable: else in their order
    last_part = [item for part, item in tested if part == tested[-1][0]] if tested else []
    unseen = last_part or [item for _, item in held_out]
    first = trained[: limit - min(len(unseen), limit // 2)]
    return first + unseen[: limit - len(first)]


def trained_on(model_id: str) -> str:
    """The id of the dataset version that a tuned model was trained on; "" for a base. Raises NotFound."""
    own, _ = merging.split(model_id)
    if not own.startswith("fm_"):
        return ""
    return models.trained_version(own)


def default_system(model_id: str) -> str:
    """The system message that a tuned model saw most often in its training; "" where there was none."""
    version_id = trained_on(model_id)
    try:
        return _usual_system(version_id) if version_id else ""
    except NotFound:  # the dataset was deleted after the training
        return ""


@lru_cache(maxsize=64)
def _usual_system(version_id: str) -> str:
    """A version never changes, so that it is read once."""
    examples = islice(datasets.iter_examples(version_id, split="train"), MOST_READ)
    texts = Counter(
        next((message.content for message in example.messages if message.role == "system"), "") for example in examples
    )
    return texts.most_common(1)[0][0] if texts else ""


def _read(version_id: str, split: Split, most: int) -> Iterator[tuple[str, SuggestedQuestion]]:
    """The first examples of a split that begin with a question and its answer, each with its source."""
    for example in islice(datasets.iter_examples(version_id, split=split), most):
        if pair := _pair(example.messages, split):
            yield example.source, pair


def _pair(messages: Sequence[Message], split: Split) -> SuggestedQuestion | None:
    """The first question and answer of a conversation."""
    turns = [message for message in messages if message.role != "system"]
    if len(turns) < 2 or turns[0].role != "user" or turns[1].role != "assistant":
        return None
    return SuggestedQuestion(turns[0].content, turns[1].content, split)
