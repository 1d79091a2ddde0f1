"""Which examples go through the model together: the order of a run and how its micro-batches are filled.

Plain arithmetic: the worker builds its batches with it and the forecast finds the widest one with it, so both agree.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_STEPS: Final = 400  # of a run that are searched for the widest micro-batch; later epochs are similar
# Tokens that go through a CPU at once: with more, a layer's output no longer fits in the cache; with fewer, the matrix
# products are too small. Measured on 2 cores with 2 MB of L2 each, 3.3M parameters: 500, 856, 1,100, 1,700
# and 6,816 tokens made 0.84, 0.99, 1.00, 1.04 and 1.00 of the speed of the last.
CPU_TOKENS: Final = 1_700
FORWARD: Final = 2  # times the tokens of a step's micro-batch fit on a GPU where nothing is stored for a backward pass


def token_budget(batch_size: int, longest: int, device: str) -> int:
    """Most tokens of one micro-batch: `batch_size` of the longest examples, on a CPU no more than its cache holds."""
    most = batch_size * longest
    return max(longest, min(most, CPU_TOKENS)) if device == "cpu" else most


def forward_budget(batch_size: int, longest: int, device: str) -> int:
    """Most tokens that go through the model at once without gradients: no activations are stored, so more than in a
    step."""
    trained = token_budget(batch_size, longest, device)
    return max(trained, CPU_TOKENS) if device == "cpu" else FORWARD * trained


def order(examples: int, seed: int, epoch: int) -> list[int]:
    """Example numbers in the order of one epoch; it depends on the seed and the epoch alone."""
    numbers = list(range(examples))
    random.Random(f"{seed}/{epoch}").shuffle(numbers)  # noqa: S311  a seeded order, not a secret
    return numbers


def shared_out(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Distribute examples evenly over as few parts of at most `budget` tokens as possible (longest first)."""
    ordered = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    for count in range(max(1, math.ceil(sum(lengths) / budget)), len(lengths)):
        parts: list[list[int]] = [[] for _ in range(count)]
        filled = [0] * count
        for index in ordered:
            emptiest = filled.index(min(filled))
            parts[emptiest].append(index)
            filled[emptiest] += lengths[index]
        if max(filled) <= budget:
            return [sorted(part) for part in parts]
    return [[index] for index in range(len(lengths))]


@dataclass(frozen=True, slots=True)
class Widest:
    """The largest micro-batch of a run.

    Attributes:
        tokens: tokens that go through the model at once, padding included.
        length: tokens of its longest example.
        answers: most positions whose next token is learned.
        several: a step has more than one micro-batch, so gradients and activations are in memory together.
    """

    tokens: int
    length: int
    answers: int
    several: bool


def widest(
    spans: Sequence[tuple[int, int]],
    *,
    batch_size: int,
    accumulation: int,
    max_seq_length: int,
    seed: int,
    epochs: int,
    end_to_end: bool = True,
    device: str = "cuda",
) -> Widest:
    """The largest micro-batch of the run with this order of examples.

    Args:
        spans: (tokens, start of the answer) of every training example, in the dataset's order.
        end_to_end: the examples of a micro-batch share one row; else each has a row as wide as the longest.
        device: cpu or cuda.
    """
    usable = [(min(length, max_seq_length), start) for length, start in spans if start < max_seq_length]
    if not usable:
        return at_most(batch_size, accumulation, max_seq_length)
    budget = token_budget(batch_size, max(length for length, _ in usable), device)
    largest, several = Widest(0, 0, 0, False), False
    for step in _steps(len(usable), batch_size * accumulation, seed, epochs):
        chosen = [usable[index] for index in step]
        parts = _parts([length for length, _ in chosen], batch_size, budget, end_to_end)
        several = several or len(parts) > 1
        for part in parts:
            lengths = [chosen[index][0] for index in part]
            tokens = sum(lengths) if end_to_end else len(lengths) * max(lengths)
            if tokens > largest.tokens:
                answers = sum(chosen[index][0] - chosen[index][1] for index in part)
                largest = Widest(tokens, max(lengths), answers, several)
    return Widest(largest.tokens, largest.length, largest.answers, several)


def at_most(batch_size: int, accumulation: int, length: int) -> Widest:
    """The largest possible micro-batch, for when the examples are not known."""
    return Widest(batch_size * length, length, batch_size * length, accumulation > 1)


def _steps(examples: int, size: int, seed: int, epochs: int) -> Iterator[list[int]]:
    count = 0
    for epoch in range(epochs):
        numbers = order(examples, seed, epoch)
        for start in range(0, examples, size):
            if count >= MOST_STEPS:
                return
            count += 1
            yield numbers[start : start + size]


def _parts(lengths: Sequence[int], batch_size: int, budget: int, end_to_end: bool) -> list[list[int]]:
    if end_to_end:
        return shared_out(lengths, budget)
    ordered = sorted(range(len(lengths)), key=lengths.__getitem__)  # examples of similar length share a batch
    return [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
