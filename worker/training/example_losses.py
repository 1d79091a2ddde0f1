"""The loss of every example under the finished model: one pass at the end of a run, forward only.

It shows which examples the model did not learn: often the ones with a mistake in them. The pass takes about a third of
an epoch. In a run of few epochs that would be long, so it ends when what is left of the run's time budget is spent
(`core.training.cadence`); examples are in random order, so that those measured by then are representative.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from core.training.example_losses import FILE, LossRow, write
from worker.training import attention
from worker.training.batches import Forward, MicroBatch, Packer
from worker.training.data import Prepared, Tokenized
from worker.training.samples import undisturbed

BATCH_TOKENS: Final = 2_048  # that go through the model at once: forward only, so less memory than a step needs
BATCH_EXAMPLES: Final = 8
WINDOW: Final = 256


_Item = tuple[str, Tokenized]  # the split, and the example


@dataclass(frozen=True, slots=True)
class Measured:
    """The extent of the pass: how many examples of how many were measured, in how many seconds."""

    examples: int
    of: int
    seconds: float


def measure(
    model: Any,
    data: Prepared,
    directory: Path,
    *,
    allowed_s: float,
    seed: int,
    packs: bool = True,
    sign_of_life: Callable[[], object] = lambda: None,
) -> Measured:
    """Write `example_losses.parquet` into the model's directory, with every example that the time allowed."""
    began = time.perf_counter()
    items: list[_Item] = [(split, item) for split in ("train", "validation") for item in getattr(data, split)]
    random.Random(seed).shuffle(items)  # noqa: S311  a seeded order, not a secret
    packer = Packer(attention.choose(model, packs=packs), BATCH_TOKENS, BATCH_EXAMPLES)
    forward = Forward.of(model, trls_chunks=False)
    rows: list[LossRow] = []
    with undisturbed(model), torch.no_grad():
        for window, batch in _batches(items, packer):
            sign_of_life()
            rows += _losses(model, forward, batch.to(model.device), window)
            if time.perf_counter() - began > allowed_s:
                break
    rows.sort(key=lambda row: row.position)
    write(directory / FILE, rows)
    return Measured(len(rows), len(items), time.perf_counter() - began)


def _batches(items: Sequence[_Item], packer: Packer) -> Iterator[tuple[Sequence[_Item], MicroBatch]]:
    """Batches from windows of the random order: similar lengths share a batch, and the order is still random."""
    for start in range(0, len(items), WINDOW):
        window = items[start : start + WINDOW]
        for batch in packer.micro_batches([item for _, item in window]):
            yield window, batch


def _losses(model: Any, forward: Forward, batch: MicroBatch, window: Sequence[_Item]) -> list[LossRow]:
    """The examples of one batch. An example starts where positions restart, so each answer token has an owner."""
    losses, hits = forward.each(model, batch)
    numbers = [number for row in batch.examples for number in row]
    owners = ((batch.inputs["position_ids"].flatten() == 0).cumsum(0) - 1)[batch.places]
    sums = torch.zeros(len(numbers), device=losses.device)
    correct, counts = torch.zeros_like(sums), torch.zeros_like(sums)
    sums.index_add_(0, owners, losses)
    correct.index_add_(0, owners, hits.float())
    counts.index_add_(0, owners, torch.ones_like(owners, dtype=torch.float))
    totals = zip(numbers, sums.tolist(), counts.tolist(), correct.tolist(), strict=True)
    return [
        LossRow(window[number][1].position, window[number][0], total / max(count, 1), int(count), int(right))
        for number, total, count, right in totals
    ]
