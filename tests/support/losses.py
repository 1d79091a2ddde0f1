"""The loss of each example, computed apart from the product: to show that packed rows change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker.training.batches import Forward, Packer
from worker.training.data import Tokenized


def by_example(model: Any, packer: Packer, items: Sequence[Tokenized]) -> list[float]:
    """The mean loss of each example's answer, in the order of `items`, in the rows that the packer puts them in."""
    import torch
    from torch.nn.functional import cross_entropy

    forward, losses_of = Forward.of(model, trls_chunks=False), [0.0] * len(items)
    device = next(model.parameters()).device
    with torch.no_grad():
        for batch in packer.micro_batches(items):
            logits = forward.logits(model, batch.to(device)).float()
            losses = cross_entropy(logits, batch.targets.to(device), reduction="none").cpu()
            width = batch.labels.shape[1]
            for row, members in enumerate(batch.examples):
                start = row * width
                for number in members:
                    end = start + len(items[number].input_ids)
                    losses_of[number] = float(losses[(batch.places >= start) & (batch.places < end)].mean())
                    start = end
    return losses_of
