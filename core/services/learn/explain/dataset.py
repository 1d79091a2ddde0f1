"""Quality versus quantity in numbers, and the habits of good datasets, checked on real examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from core.data.quality.set_rules import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.data.samples import load_sample
from core.messages import Example
from core.models.base_models import resolve as resolve_base
from core.services.data import datasets
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import TrainingConfig

GOOD_COUNT: Final = 100
MINIMUM_COUNT: Final = MINIMUM_EXAMPLES
RECOMMENDED_COUNT: Final = RECOMMENDED_EXAMPLES
MOST_COUNTED: Final = 5_000  # a page must not read an entire dataset of 100 MB
_ENDS: Final = (".", "!", "?", "。", "…", '"', "”", ")")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a run does with a dataset: a lesson is one example seen once."""

    examples: int
    wrong: int
    epochs: int
    steps: int
    lessons: int
    wrong_lessons: int
    source: str  # the source of the number of epochs


def lessons(examples: int, wrong_share: float) -> Lessons:
    """How often correct and wrong examples are taught, with the epochs that *auto* would choose.

    Args:
        examples: size of the dataset.
        wrong_share: share of examples whose output is wrong, 0 to 1.
    """
    numbers, sources = resolve(TrainingConfig(), resolve_base("starter"), "lora", examples)
    wrong = round(examples * wrong_share)
    return Lessons(
        examples=examples,
        wrong=wrong,
        epochs=numbers.num_epochs,
        steps=numbers.total_steps,
        lessons=examples * numbers.num_epochs,
        wrong_lessons=wrong * numbers.num_epochs,
        source=sources["num_epochs"],
    )


@dataclass(frozen=True, slots=True)
class Habit:
    """One habit of good datasets, and whether this one has it. `figure` is what was counted."""

    do: str
    dont: str
    kept: bool
    figure: str


def habits_of(dataset_id: str | None) -> list[Habit]:
    """The habits of a dataset's newest version (its first 5,000 examples), or of the shipped sample for None."""
    if dataset_id is None:
        sample = load_sample()
        return habits([*sample.train, *sample.validation])
    version = datasets.get_dataset(dataset_id).version
    return habits(islice(datasets.iter_examples(version.id), MOST_COUNTED))


def habits(examples: Iterable[Example]) -> list[Habit]:
    """Check six habits in a dataset; nothing is changed."""
    every = list(examples)
    pairs = [(_text(example, "user"), _text(example, "assistant")) for example in every]
    train = [pair for example, pair in zip(every, pairs, strict=True) if example.split == "train"]
    held = [pair for example, pair in zip(every, pairs, strict=True) if example.split == "validation"]
    systems = len({_text(example, "system") for example in every})
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for question, answer in train:
        answers[question.casefold()].add(answer)
    contradictory = sum(len(outputs) > 1 for outputs in answers.values())
    copies = sum(count - 1 for count in Counter(train).values())
    ended = sum(answer.endswith(_ENDS) for _, answer in train) / len(train) if train else 1.0
    leaked = len(answers.keys() & {question.casefold() for question, _ in held})
    return [
        Habit(
            f"Start with {RECOMMENDED_COUNT} good examples, better {GOOD_COUNT} to 1,000",
            "Hope that ten are enough",
            len(train) >= RECOMMENDED_COUNT,
            f"{len(train):,} pairs to train on",
        ),
        Habit(
            "Use one system message, the one you will use later",
            "Write a different one in every example",
            systems <= max(1, len(every) // 20),
            "one system message throughout" if systems == 1 else f"{systems} different system messages",
        ),
        Habit(
            "Give the same input the same output",
            "Let two examples contradict each other",
            contradictory == 0,
            f"{contradictory} inputs with more than one output",
        ),
        Habit(
            "Make every example teach something", "Pad the dataset with copies", copies == 0, f"{copies} exact copies"
        ),
        Habit(
            "Use one consistent style: endings, lists, length",
            "Mix full sentences with notes",
            ended >= 0.95 or ended <= 0.05,
            f"{ended:.0%} of the outputs end like a sentence",
        ),
        Habit(
            "Ask the same questions in other words, and hold those out of training",
            "Judge the model by its training examples",
            bool(held) and leaked == 0,
            f"{len(held):,} held-out examples, {leaked} of their inputs also in training"
            if held
            else "nothing is held out",
        ),
    ]


def _text(example: Example, role: str) -> str:
    return "\n".join(message.content for message in example.messages if message.role == role).strip()
