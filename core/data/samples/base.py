"""What the studio knows about one of its sample datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from core.messages import Example, Split
from core.registry import Registry
from core.text import labeled_examples

Teaches = Literal["facts", "decisions"]


@dataclass(frozen=True, slots=True)
class SampleDataset:
    """A dataset that ships with the studio.

    Attributes:
        id: as in `sft demo --sample`.
        teaches: `facts`: outputs to repeat word for word, tested by exact match on the examples themselves.
            `decisions`: JSON outputs that follow from the input, tested on the test split by field.
        read: its examples, always the same ones; cached by the reader.
        parts: the title of each part of the test split, by the examples' `source`.
    """

    id: str
    name: str
    title: str
    description: str
    teaches: Teaches
    read: Callable[[], tuple[Example, ...]]
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def train(self) -> list[Example]:
        return self._split("train")

    @property
    def validation(self) -> list[Example]:
        return self._split("validation")

    @property
    def test(self) -> list[Example]:
        return self._split("test")

    @property
    def size_text(self) -> str:
        """`468 labeled examples: 360 to train on, 48 held out, 60 for testing`."""
        return labeled_examples(len(self.train), len(self.validation), len(self.test))

    def _split(self, split: Split) -> list[Example]:
        return [example for example in self.read() if example.split == split]


SAMPLES: Final = Registry[SampleDataset]("sample dataset")
