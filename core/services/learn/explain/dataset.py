"""Quality against quantity in numbers, and the habits of good sets, checked on real examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from core.data.quality.rules import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.data.samples import load_sample
from core.messages import Example, Message
from core.models.base_models import resolve as resolve_base
from core.services.data import datasets
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import TrainingConfig

GOOD_COUNT: Final = 100
MINIMUM_COUNT: Final = MINIMUM_EXAMPLES
RECOMMENDED_COUNT: Final = RECOMMENDED_EXAMPLES
MOST_COUNTED: Final = 5_000  # a page must not read a set of 100 MB to its end
_ENDS: Final = (".", "!", "?", "。", "…", '"', "”", ")")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a run makes of a set: a lesson is one example seen once."""

    examples: int
    wrong: int
    epochs: int
    steps: int
    lessons: int
    wrong_lessons: int
    source: str  # where the number of epochs comes from


def lessons(examples: int, wrong_share: float, base_model: str = "starter", method_id: str = "lora") -> Lessons:
    """How often right and wrong examples are taught, with the epochs that *auto* would choose.

    Args:
        examples: size of the set.
        wrong_share: share of examples whose output is wrong, 0 to 1.
    """
    numbers, sources = resolve(TrainingConfig(), resolve_base(base_model), method_id, examples)
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
    """One habit of good sets, and whether this set has it. `figure` is what was counted."""

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
    """Count six habits in a set; nothing is changed."""
    kept = list(examples)
    pairs = [(_said(example, "user"), _said(example, "assistant")) for example in kept]
    train = [pair for example, pair in zip(kept, pairs, strict=True) if example.split == "train"]
    held = [pair for example, pair in zip(kept, pairs, strict=True) if example.split == "validation"]
    return [
        _enough(train),
        _one_voice(kept),
        _agree(train),
        _no_copies(train),
        _same_ending(train),
        _tested(train, held),
    ]


def _said(example: Example, role: str) -> str:
    return "\n".join(message.content for message in example.messages if message.role == role).strip()


def _enough(pairs: list[tuple[str, str]]) -> Habit:
    return Habit(
        f"Bring {RECOMMENDED_COUNT} good examples, better {GOOD_COUNT} to 1,000",
        "Hope that ten will do",
        len(pairs) >= RECOMMENDED_COUNT,
        f"{len(pairs):,} pairs to train on",
    )


def _one_voice(examples: list[Example]) -> Habit:
    systems = {_system(example.messages) for example in examples}
    return Habit(
        "Keep one system message, the one you will use later",
        "Write a new one into every example",
        len(systems) <= max(1, len(examples) // 20),
        "one system message throughout" if len(systems) == 1 else f"{len(systems)} different system messages",
    )


def _system(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages if message.role == "system")


def _agree(pairs: list[tuple[str, str]]) -> Habit:
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for given, wanted in pairs:
        answers[given.casefold()].add(wanted)
    torn = sum(1 for wanted in answers.values() if len(wanted) > 1)
    return Habit(
        "Give the same input the same output",
        "Let two examples contradict each other",
        torn == 0,
        f"{torn} inputs with more than one output",
    )


def _no_copies(pairs: list[tuple[str, str]]) -> Habit:
    copies = sum(count - 1 for count in Counter(pairs).values())
    return Habit("Make every example teach something", "Fill up with copies", copies == 0, f"{copies} exact copies")


def _same_ending(pairs: list[tuple[str, str]]) -> Habit:
    ended = sum(1 for _, wanted in pairs if wanted.endswith(_ENDS))
    share = ended / len(pairs) if pairs else 1.0
    return Habit(
        "Keep one form: endings, lists, length",
        "Mix full sentences with notes",
        share >= 0.95 or share <= 0.05,
        f"{share:.0%} of the outputs end like a sentence",
    )


def _tested(train: list[tuple[str, str]], held: list[tuple[str, str]]) -> Habit:
    leaked = len({given.casefold() for given, _ in train} & {given.casefold() for given, _ in held})
    figure = (
        f"{len(held):,} held-out examples, {leaked} of their inputs also in training" if held else "nothing is held out"
    )
    return Habit(
        "Ask the same things in other words, and keep those out of training",
        "Judge the model by what it was taught",
        bool(held) and leaked == 0,
        figure,
    )
