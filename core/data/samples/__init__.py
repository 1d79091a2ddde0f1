"""The dataset that ships with the studio: questions to a fictional garden shop, and paraphrases of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from core.messages import Example, Message, Split


@dataclass(frozen=True, slots=True)
class SampleDataset:
    """Pairs for training, and paraphrased questions with the same answers for validation."""

    name: str
    description: str
    train: list[Example]
    validation: list[Example]


def load_sample() -> SampleDataset:
    """The shipped sample, read from the package."""
    return SampleDataset(
        name="Brindle support (sample)",
        description="Questions and answers from a fictional garden shop; the validation split rephrases the questions.",
        train=list(_read("support.jsonl", "train")),
        validation=list(_read("support_paraphrases.jsonl", "validation")),
    )


def _read(name: str, split: Split) -> Iterator[Example]:
    text = files("core.data.samples").joinpath(name).read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n"), start=1):
        if line:
            messages = tuple(Message.from_dict(item) for item in json.loads(line)["messages"])
            yield Example(messages, f"sample:{name}", number, split)
