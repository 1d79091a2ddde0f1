"""The loss of a micro-batch: the cross-entropy of the answer tokens only.

Only the positions whose next token is learned go through the output layer: with short answers that saves most of it.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from worker.training import fused
from worker.training.batches import MicroBatch


@dataclass(frozen=True, slots=True)
class Forward:
    """How the loss of a model is computed.

    Attributes:
        keeps: its forward has `logits_to_keep`, so that the other positions' logits are never computed.
        chunked: it computes the loss itself, in chunks (TRL's `chunked_nll`), for vocabularies whose logits would be
            the largest tensor in memory.
    """

    keeps: bool
    chunked: bool

    @classmethod
    def of(cls, model: Any, *, chunked: bool) -> Forward:
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        return cls("logits_to_keep" in inspect.signature(base.forward).parameters, chunked)

    def loss(self, model: Any, batch: MicroBatch, answer_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy summed over the batch's answer tokens and divided by `answer_tokens` (those of the step); and
        how many of them are the model's argmax prediction."""
        if self.chunked:
            out = model(**batch.inputs, labels=batch.labels, num_items_in_batch=answer_tokens, use_cache=False)
            return out.loss, out.num_correct_tokens.long()  # counted in fp32
        logits = self.logits(model, batch)
        return fused.cross_entropy(logits, batch.targets, answer_tokens)

    def logits(self, model: Any, batch: MicroBatch) -> torch.Tensor:
        """(answers, vocabulary): the model's logits at the positions whose next token is learned."""
        rows, width = batch.labels.shape
        if self.keeps and rows == 1 and "segments" in batch.inputs:
            out = model(**batch.inputs, logits_to_keep=batch.places, use_cache=False)
            logits: torch.Tensor = out.logits.squeeze(0)  # a view in the backward pass too, unlike [0]
            return logits
        logits = model(**batch.inputs, use_cache=False).logits
        # prompt-learning methods put their own tokens before the batch
        return logits[:, -width:].flatten(0, 1)[batch.places]
