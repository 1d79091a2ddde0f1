"""Support tickets of a fictional maker of office equipment, each with a JSON object: team, urgency and product.

The tickets are composed from the parts in `tickets.toml` with a seed: 60 wordings of problems for training and as many
that training never sees. What decides the team is the problem; a ticket is urgent if a sentence says so.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from core.data.samples.base import SampleDataset
from core.messages import Example, Message, Split

SEED: Final = 7
TRAINED: Final = 6  # tickets per wording to train on, each about another product
URGENT_SHARE: Final = 0.45
MONTHS: Final = ("January", "March", "April", "June", "July", "October")
SEEN, UNSEEN = "sample:tickets", "sample:tickets, unseen wordings"


@cache
def _examples() -> tuple[Example, ...]:
    """All tickets: for each wording 6 to train on and 1 to test with another product; 2 per topic for validation."""
    parts = _parts()
    rng = random.Random(SEED)  # noqa: S311  a seeded sample, not a secret
    tickets: list[Example] = []

    def add(split: Split, topic: dict[str, Any], problem: str, product: str, wordings: str) -> None:
        messages = _ticket(rng, parts, problem, product, topic["team"], wordings)
        tickets.append(Example(messages, SEEN if wordings == "seen" else UNSEEN, len(tickets) + 1, split))

    for topic in parts["topics"]:
        for number, problem in enumerate(topic["seen"]):
            products = _shuffled_products(parts, problem)
            for product in products[:TRAINED]:
                add("train", topic, problem, product, "seen")
            add("test", topic, problem, products[TRAINED], "seen")
            if number:
                add("validation", topic, problem, products[TRAINED + 1], "seen")
        for problem in topic["unseen"]:
            add("test", topic, problem, rng.choice(parts["products"]), "unseen")
    rng.shuffle(tickets)
    return tuple(sorted(tickets, key=lambda ticket: ticket.source == UNSEEN))  # the harder part of the test comes last


def further_tickets() -> list[Example]:
    """Tickets to choose settings by, so that the test stays unseen: 8 for each trained wording.

    Each is about a product that no ticket of the sample combines with its wording.
    """
    parts = _parts()
    rng = random.Random(SEED + 1)  # noqa: S311
    tickets = [
        Example(_ticket(rng, parts, problem, product, topic["team"], "seen"), SEEN, 0, "test")
        for topic in parts["topics"]
        for problem in topic["seen"]
        for product in _shuffled_products(parts, problem)[TRAINED + 2 :]
    ]
    rng.shuffle(tickets)
    return tickets


def _parts() -> dict[str, Any]:
    return tomllib.loads(files("core.data.samples").joinpath("tickets.toml").read_text(encoding="utf-8"))


def _shuffled_products(parts: dict[str, Any], problem: str) -> list[str]:
    """All products, in an order that differs by the wording of the problem."""
    products: list[str] = parts["products"]
    return random.Random(f"{SEED} {problem}").sample(products, len(products))  # noqa: S311


def _ticket(
    rng: random.Random, parts: dict[str, Any], problem: str, product: str, team: str, wordings: str
) -> tuple[Message, ...]:
    """One ticket and its answer; all wordings come from the same list, `seen` or `unseen`."""
    urgent = rng.random() < URGENT_SHARE
    opening, detail, closing, cue = (
        rng.choice(parts[kind][wordings])
        for kind in ("openings", "details", "closings", "urgent" if urgent else "calm")
    )
    said: Sequence[str] = [problem, detail, cue] if rng.random() < 0.75 else [problem, cue, detail]
    if opening == "" and urgent and rng.random() < 0.25:  # some people begin with it
        said = [cue, problem[0].upper() + problem[1:], detail]
    text = opening + " ".join(part for part in (*said, closing) if part)
    text = text.format(
        product=product, number=rng.randint(10_000, 99_999), month=rng.choice(MONTHS), count=rng.randint(2, 12),
        name=rng.choice(parts["names"]), code=f"E{rng.randint(10, 99)}",
    )  # fmt: skip
    answer = json.dumps({"team": team, "urgent": urgent, "product": product})
    return Message("user", text[0].upper() + text[1:]), Message("assistant", answer)


TICKETS = SampleDataset(
    id="tickets",
    name="Support tickets (sample)",
    title="Support tickets to JSON",
    description="Tickets to a fictional maker of office equipment. The output is a JSON object: the team that handles "
    "the ticket, whether it is urgent, and the product.",
    teaches="decisions",
    read=_examples,
    parts={SEEN: "Unseen tickets, trained wordings", UNSEEN: "Unseen tickets, unseen wordings"},
)
