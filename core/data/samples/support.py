"""Questions to a fictional garden shop: facts that a model can only memorize."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from core.data.samples.base import SampleDataset
from core.messages import Example, Message, Split


@cache
def _examples() -> tuple[Example, ...]:
    return (*_read("support.jsonl", "train"), *_read("support_paraphrases.jsonl", "validation"))


def _read(name: str, split: Split) -> Iterator[Example]:
    text = files("core.data.samples").joinpath(name).read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n"), start=1):
        if line:
            messages = tuple(Message.from_dict(item) for item in json.loads(line)["messages"])
            yield Example(messages, f"sample:{name}", number, split)


SUPPORT = SampleDataset(
    id="support",
    name="Brindle support (sample)",
    title="Answers of a garden shop",
    description="Questions and answers from a fictional garden shop; the validation split rephrases the questions.",
    teaches="facts",
    read=_examples,
)
