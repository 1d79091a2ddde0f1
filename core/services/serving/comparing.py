"""Inputs for a comparison of models: the examples of their datasets, by split, each with its expected output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import NotFound
from core.messages import Example, Message, Split
from core.services.data import datasets
from core.services.data.datasets import DatasetChoice, ExampleRecord, VersionRecord
from core.services.serving.suggesting import trained_on

FEWEST, MOST = 2, 4  # models side by side
LISTED: Final = 500  # examples that a screen lists; others are found by a search

Knowledge = Literal["trained", "held_out", "other", "base"]


@dataclass(frozen=True, slots=True)
class ExampleSource:
    """A dataset version whose examples can be asked; `parts` counts them by split."""

    version_id: str
    title: str
    parts: Mapping[Split, int]


@dataclass(frozen=True, slots=True)
class ComparedInput:
    """What each model is sent, and the output that the dataset expects ("" for a typed input).

    Attributes:
        position: of the example in its version; None for a typed input.
        split: of the example; None for a typed input.
    """

    messages: tuple[Message, ...]
    expected: str = ""
    position: int | None = None
    split: Split | None = None
    version_id: str = ""

    @property
    def question(self) -> str:
        """The last input."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


def typed(text: str, system: str = "") -> ComparedInput:
    """An input that a user typed."""
    context = (Message("system", system),) if system.strip() else ()
    return ComparedInput((*context, Message("user", text)))


def sources(model_ids: Sequence[str]) -> list[ExampleSource]:
    """First the dataset versions that the models were trained on, then the newest version of every other dataset."""
    choices = datasets.choices()
    newest = {choice.version_id: choice for choice in choices}
    found: dict[str, ExampleSource] = {}
    for version_id in filter(None, map(trained_on, model_ids)):
        if version_id not in newest:
            _add_older(found, version_id, choices)
        else:
            _add(found, newest[version_id], version_id, newest[version_id])
    for choice in choices:
        _add(found, choice, choice.version_id, choice)
    return list(found.values())


def _add_older(found: dict[str, ExampleSource], version_id: str, choices: Sequence[DatasetChoice]) -> None:
    try:
        version = datasets.get_version(version_id)
    except NotFound:
        return
    choice = next((choice for choice in choices if choice.id == version.dataset_id), None)
    if choice is not None:  # None: the dataset was deleted after the training
        _add(found, choice, version_id, version)


def _add(
    found: dict[str, ExampleSource], choice: DatasetChoice, version_id: str, version: DatasetChoice | VersionRecord
) -> None:
    if version_id not in found and (parts := version.parts):
        title = choice.name if version.number == 1 == choice.number else f"{choice.name} (v{version.number})"
        found[version_id] = ExampleSource(version_id, title, parts)


def examples_of(version_id: str, split: Split, search: str = "") -> tuple[list[ComparedInput], int]:
    """The first LISTED examples of a split that can be asked, and how many contain the text. Raises NotFound."""
    page = datasets.examples(version_id, 0, LISTED, search, split)
    inputs = (_input(item, version_id) for item in page.items)
    return [one for one in inputs if one is not None], page.total


def example_at(version_id: str, position: int) -> ComparedInput | None:
    """The example at a position; None if there is none, or it has nothing to ask. Raises NotFound."""
    items = datasets.examples_at(version_id, [position])
    return _input(items[0], version_id) if items else None


def knows(model_id: str, asked: ComparedInput) -> Knowledge:
    """Whether a model was trained on an input: on this example, only on others of its version, or on other data."""
    version_id = trained_on(model_id)
    if not version_id:
        return "base"
    if not asked.version_id or version_id != asked.version_id:
        return "other"
    return "trained" if asked.split == "train" else "held_out"


def _input(item: ExampleRecord, version_id: str) -> ComparedInput | None:
    asked = _before_the_answer(item.example)
    if asked is None:
        return None
    messages, expected = asked
    return ComparedInput(messages, expected, item.position, item.example.split, version_id)


def _before_the_answer(example: Example) -> tuple[tuple[Message, ...], str] | None:
    """The conversation up to its last answer in words, and that answer. None without one, and with tools, which chat
    does not offer to a model."""
    messages = example.messages
    if any(message.tool_calls or message.role == "tool" for message in messages):
        return None
    for at in range(len(messages) - 1, 0, -1):
        if messages[at].role == "assistant" and messages[at].content and messages[at - 1].role == "user":
            return messages[:at], messages[at].content
    return None
