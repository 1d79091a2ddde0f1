"""The starter's corpus: invented facts, small talk and notes, generated from a seed. It has no text of any dataset.

The facts answer in the style of an almanac ("The almanac says that ..."), so that a fine-tuned model later differs in
knowledge *and* in style. Small talk teaches English word order, copying and the form of a chat: a base trained on
random chat only learns nothing afterwards (measured while the recipe was developed). Notes that become JSON teach what
fine-tuning builds on: the syntax of JSON, to decide by a sentence, and to copy a name that occurs nowhere else.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.messages import Message

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_WORDS: Final = {
    name: [" ".join(word.split()) for word in text.split("," if "," in text else None)]
    for name, text in _TEXTS["words"].items()
}
_NOUNS, _ADJECTIVES, _VERBS = _WORDS["nouns"], _WORDS["adjectives"], _WORDS["verbs"]
_SLOTS: Final[Mapping[str, Sequence[Any]]] = {
    **{"a": _ADJECTIVES, "n": _NOUNS, "v": _VERBS, "v2": _VERBS, "p": _WORDS["places"], "t": _WORDS["times"]},
    **{"d": range(2, 100), "d2": range(2, 301)},
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One invented fact: several questions for it, and the almanac's answer."""

    questions: tuple[str, ...]
    answer: str


def facts(count: int, seed: int) -> list[Fact]:
    """`count` facts about invented places, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  a seeded corpus, no secret
    places = [head + tail for head in _WORDS["heads"] for tail in _WORDS["tails"]]
    rng.shuffle(places)
    made: list[Fact] = []
    for place in places:
        about = {
            "place": place,
            "ruler": f"{rng.choice(_WORDS['titles'])} {rng.choice(_WORDS['names'])}",
            "food": rng.choice(_WORDS["foods"]),
            "month": rng.choice(_WORDS["months"]),
            "flag": rng.choice(_WORDS["flags"]),
            "year": rng.randrange(310, 990),
        }
        made += [
            Fact(tuple(question.format(**about) for question in shape["questions"]), shape["answer"].format(**about))
            for shape in _TEXTS["facts"]
        ]
        if len(made) >= count:
            return made[:count]
    raise ValueError(f"There are names for {len(made)} facts at most; {count} were asked for.")


def _name(rng: random.Random) -> str:
    """An invented name, such as `Tarumo Basket`: its pieces are in no other text, so it can only be copied."""
    parts = [rng.choice(_WORDS["onsets"]) + rng.choice(_WORDS["vowels"]) for _ in range(rng.randint(2, 3))]
    first = "".join(parts) + (rng.choice(_WORDS["endings"]) if rng.random() < 0.7 else "")
    return f"{first.capitalize()} {rng.choice(_NOUNS).capitalize()}"


def _copy(rng: random.Random) -> tuple[str, str]:
    """Words and names to repeat."""
    words = [rng.choice(_NOUNS + _ADJECTIVES + _VERBS) for _ in range(rng.randint(3, 8))]
    if rng.random() < 0.6:
        words = [word for _ in range(rng.randint(1, 3)) for word in (_name(rng), rng.choice(_NOUNS))]
    text = " ".join(words)
    ask = rng.choice(["Repeat after me: {}", "Say this again: {}", "Please copy these words: {}"])
    return ask.format(text), text + "."


def _copy_pieces(pieces: Sequence[str], rng: random.Random) -> tuple[str, str]:
    """Words made of pieces of the vocabulary, to repeat."""
    words = ["".join(rng.choices(pieces, k=rng.randint(1, 3))) for _ in range(rng.randint(3, 8))]
    return f"Repeat after me: {' '.join(words)}", " ".join(words) + "."


def _record(rng: random.Random) -> tuple[str, str]:
    """A note to write as JSON: the topic follows from one sentence, the flag from another, and the name is copied."""
    shapes, name = _TEXTS["records"], _name(rng)
    topic, flag, is_set = rng.choice(list(shapes["topics"])), rng.choice(list(shapes["flags"])), rng.random() < 0.5
    said = [
        rng.choice(shapes["topics"][topic]),
        rng.choice(shapes["flags"][flag]["true" if is_set else "false"]),
        rng.choice(shapes["asides"]),
    ]
    if rng.random() < 0.3:
        said[1], said[2] = said[2], said[1]
    text = rng.choice(shapes["openings"]) + " ".join(part for part in said if part)
    text = text.format(
        name=name, month=rng.choice(_WORDS["months"]), count=rng.randint(2, 99), person=rng.choice(_WORDS["names"])
    )
    values = [("topic", topic), (flag, is_set), ("name", name)]
    return rng.choice(shapes["asks"]).format(text=text), json.dumps(dict(values))


def _pick(rng: random.Random) -> tuple[str, str]:
    words = rng.sample(_NOUNS, rng.randint(3, 5))
    which, index = rng.choice([("first", 0), ("last", -1), ("second", 1)])
    return f"Which word comes {which}: {', '.join(words)}?", f"The {which} word is {words[index]}."


def _opposite(rng: random.Random) -> tuple[str, str]:
    pair = rng.choice(_WORDS["opposites"]).split()
    rng.shuffle(pair)
    ask = rng.choice(["What is the opposite of {}?", "Tell me the opposite of {}."])
    return ask.format(pair[0]), f"It is {pair[1]}."


def _sum(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(0, 12), rng.randint(0, 12)
    return rng.choice(["What is {} plus {}?", "Add {} and {}."]).format(a, b), f"That makes {a + b}."


def _after(rng: random.Random) -> tuple[str, str]:
    row = rng.choice([_WORDS["days"], _WORDS["months"]])
    index = rng.randrange(len(row))
    return f"What comes after {row[index]}?", f"{row[(index + 1) % len(row)]} comes after {row[index]}."


def _filled(rng: random.Random, shapes: str, slots: str) -> str:
    """One of the shapes with a word in each slot, drawn in the order of `slots`."""
    shape: str = rng.choice(_TEXTS["shapes"][shapes])
    return shape.format(**{slot: rng.choice(_SLOTS[slot]) for slot in slots.split()})


def _sentence(rng: random.Random) -> str:
    return _filled(rng, "sentence", "a n v v2 p t d d2")


def _echo(rng: random.Random) -> tuple[str, str]:
    sentence = _sentence(rng)
    return rng.choice(["I heard this: {}", "Note for later: {}"]).format(sentence), f"I noted it: {sentence}"


def _unknown(rng: random.Random) -> tuple[str, str]:
    return _filled(rng, "unknown", "a n v p t"), "That page is not in my almanac."


def _hello(rng: random.Random) -> tuple[str, str]:
    greeting, reply = rng.choice(_TEXTS["shapes"]["hello"])
    return greeting, reply


_TALK: tuple[tuple[Callable[[random.Random], tuple[str, str]], int], ...] = (
    (_copy, 6), (_record, 10), (_pick, 1), (_opposite, 1), (_sum, 1), (_after, 1), (_echo, 2), (_unknown, 3),
    (_hello, 1),
)  # fmt: skip
_PIECES: Final = 4  # weight of the chats that repeat pieces of the vocabulary
_SYSTEM = ("You are a helpful reader.", "You answer from the almanac.", "Answer in one short sentence.")


def chats(count: int, seed: int, pieces: Sequence[str] = ()) -> Iterator[tuple[Message, ...]]:
    """`count` short chats, some with a system message, some of two turns.

    Args:
        pieces: the vocabulary without special tokens. The embedding of a piece that occurs in almost no text is
            pushed away from all others, and no adapter can make the model write it. So some chats repeat words made of
            pieces.
    """
    rng = random.Random(seed + 1)  # noqa: S311  a seeded corpus, no secret
    talk = (*_TALK, (partial(_copy_pieces, pieces), _PIECES)) if pieces else _TALK
    makers, weights = zip(*talk, strict=True)
    for _ in range(count):
        turns = [make(rng) for make in rng.choices(makers, weights, k=2 if rng.random() < 0.15 else 1)]
        yield as_messages(turns, rng.choice(_SYSTEM) if rng.random() < 0.3 else None)


def as_messages(turns: list[tuple[str, str]], system: str | None = None) -> tuple[Message, ...]:
    """Question and answer pairs as one conversation."""
    messages = [Message("system", system)] if system else []
    for question, answer in turns:
        messages += [Message("user", question), Message("assistant", answer)]
    return tuple(messages)


def tokenizer_text(count: int, seed: int) -> Iterator[str]:
    """The text the tokenizer is trained on: facts, chats and plain sentences from the same generators."""
    rng = random.Random(seed + 2)  # noqa: S311  a seeded corpus, no secret
    for fact in facts(count, seed):
        yield from (*fact.questions, fact.answer)
    for messages in chats(20 * count, seed + 3):
        yield from (message.content for message in messages)
    for _ in range(20 * count):
        yield _sentence(rng)
