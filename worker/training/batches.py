"""The batches of a run: which examples belong to a step, and how they are laid out for the model.

A step learns from `effective_batch_size` examples, chosen by seed and epoch only. They are placed end to end in as few
rows as memory allows (micro-batches): no padding, and no example sees another (`worker.training.attention`).

The loss is the cross-entropy of the answer tokens only; only the positions before them go through the output layer:
with short answers that saves most of it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from core.models.render import IGNORED
from core.training.forecast.activations import CHUNKED_FROM_VOCAB
from core.training.forecast.batches import order, shared_out
from worker.training import fused, output_layer
from worker.training.attention import Layout, arguments
from worker.training.data import Tokenized, collate


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What goes through the model at once.

    Attributes:
        inputs: keyword arguments of the model's forward, `input_ids` of shape (rows, width) among them.
        labels: (rows, width), unshifted, -100 without loss.
        places: (answers,) the positions, in the flattened rows, whose next token is learned.
        targets: (answers,) the tokens to learn there.
        tokens: number of non-pad tokens.
        examples: for each row, the numbers of its examples among those that the batch was built from.
    """

    inputs: dict[str, Any]
    labels: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    tokens: int
    examples: tuple[tuple[int, ...], ...]

    def to(self, device: torch.device) -> MicroBatch:
        """The same batch on a device."""
        if device.type == "cpu":
            return self
        inputs = {
            name: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
            for name, value in self.inputs.items()
        }
        labels, places, targets = (part.to(device) for part in (self.labels, self.places, self.targets))
        return MicroBatch(inputs, labels, places, targets, self.tokens, self.examples)


@dataclass(frozen=True, slots=True)
class Step:
    """All micro-batches of one optimizer step; the loss is the mean over the answer tokens of all of them."""

    micro_batches: tuple[MicroBatch, ...]

    @property
    def answer_tokens(self) -> int:
        return sum(len(batch.targets) for batch in self.micro_batches)

    @property
    def tokens(self) -> int:
        return sum(batch.tokens for batch in self.micro_batches)


@dataclass(frozen=True, slots=True)
class Packer:
    """Lays examples out for a model.

    Attributes:
        layout: see `worker.training.attention.choose`.
        budget_tokens: most tokens of one micro-batch in the layout `segments` (at least those of the longest example).
        batch_size: examples per micro-batch in the other layouts.
    """

    layout: Layout
    budget_tokens: int
    batch_size: int
    pad_token_id: int = 0

    def step(self, items: Sequence[Tokenized]) -> Step:
        """The micro-batches of one step."""
        return Step(tuple(self.micro_batches(items)))

    def micro_batches(self, items: Sequence[Tokenized]) -> Iterator[MicroBatch]:
        """Any number of examples in as few batches as possible."""
        lengths = [len(item.input_ids) for item in items]
        if self.layout == "segments":
            parts = shared_out(lengths, self.budget_tokens)
        else:  # examples of similar length share a batch, so there is little padding
            order = sorted(range(len(items)), key=lambda index: lengths[index])
            parts = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        for part in parts:
            yield self._laid_out(items, part)

    def _laid_out(self, items: Sequence[Tokenized], part: Sequence[int]) -> MicroBatch:
        chosen = [items[index] for index in part]
        if self.layout == "segments":
            return _end_to_end(chosen, part)
        batch = collate(chosen, pad_token_id=self.pad_token_id, pack=self.layout == "rows")
        tokens, members = batch.pop("real_tokens"), batch.pop("members")
        labels = batch.pop("labels")
        places, targets = _with_loss(labels)
        rows = tuple(tuple(part[index] for index in row) for row in members)
        return MicroBatch(batch, labels, places, targets, tokens, rows)


def _end_to_end(items: Sequence[Tokenized], numbers: Sequence[int]) -> MicroBatch:
    """One row of all examples; positions restart at each of them, and its first token is never a target."""
    segments = tuple(len(item.input_ids) for item in items)
    input_ids = torch.tensor([token for item in items for token in item.input_ids])[None]
    labels = torch.tensor([label for item in items for label in item.labels])[None]
    position_ids = torch.cat([torch.arange(length) for length in segments])[None]
    labels[position_ids == 0] = IGNORED
    places, targets = _with_loss(labels)
    inputs = {"input_ids": input_ids, "position_ids": position_ids, **arguments(segments)}
    return MicroBatch(inputs, labels, places, targets, input_ids.numel(), (tuple(numbers),))


def _with_loss(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions whose next token carries loss, in the flattened rows, and those tokens."""
    following = torch.full_like(labels, IGNORED)
    following[:, :-1] = labels[:, 1:]
    flat = following.flatten()
    places = (flat != IGNORED).nonzero()[:, 0]
    return places, flat[places]


class SeededBatches(torch.utils.data.Sampler[list[int]]):
    """Batches of example numbers whose order depends only on the seed and the epoch, so that a resumed run continues
    exactly where the first one was."""

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self.examples, self.batch_size, self.seed = examples, batch_size, seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.examples // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        numbers = order(self.examples, self.seed, self.epoch)
        for start in range(0, self.examples, self.batch_size):
            yield numbers[start : start + self.batch_size]


@dataclass(frozen=True, slots=True)
class Forward:
    """How the loss of a model is computed.

    Attributes:
        keeps: its forward has `logits_to_keep`, so that the other positions' logits are never computed.
        head: the output layer, where the loss is computed in chunks of its logits (`worker.training.output_layer`).
        chunked: the model computes the loss itself, in chunks (TRL's `chunked_nll`), where it has no such `head`.
    """

    keeps: bool
    head: torch.nn.Linear | None = None
    chunked: bool = False

    @classmethod
    def of(cls, model: Any, *, trls_chunks: bool = True) -> Forward:
        """How this model's loss is computed.

        Args:
            trls_chunks: TRL's chunks may be used where the studio's own do not fit the model.
        """
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        keeps = "logits_to_keep" in inspect.signature(base.forward).parameters
        large = model.config.vocab_size >= CHUNKED_FROM_VOCAB
        head = output_layer.find(model) if large else None
        return cls(keeps, head, trls_chunks and large and head is None)

    def loss(self, model: Any, batch: MicroBatch, answer_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy summed over the batch's answer tokens and divided by `answer_tokens` (those of the step); and
        how many of them are the model's argmax prediction."""
        if self.chunked:
            out = model(**batch.inputs, labels=batch.labels, num_items_in_batch=answer_tokens, use_cache=False)
            return out.loss, out.num_correct_tokens.long()  # counted in fp32
        if self.head is not None:
            with output_layer.skipped(self.head):
                hidden = self.logits(model, batch)
            return output_layer.cross_entropy(hidden, self.head, batch.targets, answer_tokens)
        logits = self.logits(model, batch)
        return fused.cross_entropy(logits, batch.targets, answer_tokens)

    def each(self, model: Any, batch: MicroBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss of each answer token in fp32, and whether it is the model's argmax prediction; without gradients.

        At most output_layer.ROWS of the logits are in fp32 at once.
        """
        with output_layer.skipped(self.head) if self.head is not None else contextlib.nullcontext():
            found = self.logits(model, batch)
        losses, hits = [], []
        for part, targets in zip(
            torch.split(found, output_layer.ROWS), torch.split(batch.targets, output_layer.ROWS), strict=True
        ):
            logits = (part if self.head is None else self.head(part)).float()
            losses.append(torch.nn.functional.cross_entropy(logits, targets, reduction="none"))
            hits.append(logits.argmax(-1) == targets)
        return torch.cat(losses), torch.cat(hits)

    def logits(self, model: Any, batch: MicroBatch) -> torch.Tensor:
        """(answers, vocabulary): the model's logits at the positions whose next token is learned.

        (answers, width) where its output layer is skipped.
        """
        rows, width = batch.labels.shape
        if self.keeps and rows == 1 and "segments" in batch.inputs:
            out = model(**batch.inputs, logits_to_keep=batch.places, use_cache=False)
            logits: torch.Tensor = out.logits.squeeze(0)  # a view in the backward pass too, unlike [0]
            return logits
        logits = model(**batch.inputs, use_cache=False).logits
        # prompt-learning methods put their own tokens before the batch
        return logits[:, -width:].flatten(0, 1)[batch.places]
