"""Sets of examples for tests of quality: a clean one to spoil, and one with labels."""

from __future__ import annotations

import random

from core.messages import Example, Message, Split

WORDS = [
    "account",
    "balance",
    "bridge",
    "candle",
    "carpet",
    "cloud",
    "coffee",
    "copper",
    "desert",
    "dinner",
    "engine",
    "fabric",
    "forest",
    "garden",
    "glass",
    "harbor",
    "island",
    "jacket",
    "kettle",
    "ladder",
    "lantern",
    "market",
    "meadow",
    "mirror",
    "mountain",
    "needle",
    "ocean",
    "orange",
    "paper",
    "pencil",
    "pepper",
    "piano",
    "planet",
    "pocket",
    "river",
    "rocket",
    "saddle",
    "salad",
    "school",
    "shadow",
    "silver",
    "spider",
    "station",
    "stone",
    "summer",
    "table",
    "thunder",
    "ticket",
    "tunnel",
    "valley",
    "velvet",
    "village",
    "violin",
    "wagon",
    "water",
    "whistle",
    "window",
    "winter",
    "yellow",
    "zebra",
]


def pair(question: str, answer: str, *, split: Split = "train", system: str = "", weight: int | None = None) -> Example:
    lead = (Message("system", system),) if system else ()
    return Example((*lead, Message("user", question), Message("assistant", answer, weight)), split=split)  # type: ignore[arg-type]


def clean(count: int = 120, seed: int = 5) -> list[Example]:
    """Pairs with nothing in common."""
    rng = random.Random(seed)

    def said(least: int, most: int) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(least, most))).capitalize() + "."

    return [pair(said(10, 16), said(14, 24)) for _ in range(count)]


def labelled(counts: dict[str, int]) -> list[Example]:
    rng = random.Random(4)
    labels = [label for label, times in counts.items() for _ in range(times)]
    return [pair(" ".join(rng.choices(WORDS, k=12)), label) for label in labels]
