"""The loss of a large vocabulary on a CPU: the output layer and its cross-entropy in chunks, so that the logits of all
answers are never in memory at once.

TRL computes each chunk a second time in the backward pass. Here the gradient of a chunk's inputs is computed while its
logits are there: two matrix products instead of three. It needs an output layer that is not trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch.autograd.function import once_differentiable

from core.training.forecast.activations import CHUNK_TOKENS
from worker.training import fused
from worker.training.samples import undisturbed

ROWS = CHUNK_TOKENS  # answer tokens of a chunk, as the forecast counts them
_PROBE: Final = (3, 5, 7, 9, 11, 4, 6, 8)  # token ids of a short artificial example
_EXACT, _ROUNDED = 1e-4, 0.02  # largest difference of a logit, in standard deviations: fp32, and 16 bit


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        divisor: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        learns = ctx.needs_input_grad[0]
        loss, correct = torch.zeros(()), torch.zeros((), dtype=torch.long)
        slopes = torch.empty_like(hidden) if learns else None
        room = hidden.new_empty((min(ROWS, len(hidden)), len(weight)))
        for start in range(0, len(hidden), ROWS):
            rows = slice(start, start + ROWS)
            logits = room[: len(targets[rows])]
            torch.mm(hidden[rows], weight.t(), out=logits)
            if bias is not None:
                logits += bias
            part, hits = fused.sum_losses(logits, targets[rows], divisor, learns=learns)
            loss += part
            correct += hits
            if slopes is not None:
                torch.mm(logits, weight, out=slopes[rows])
        if slopes is not None:
            ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(correct)
        return loss / divisor, correct

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor, _: Any) -> tuple[Any, ...]:
        (slopes,) = ctx.saved_tensors
        return (slopes if float(gradient) == 1.0 else slopes * gradient), None, None, None, None


def cross_entropy(
    hidden: torch.Tensor, layer: torch.nn.Linear, targets: torch.Tensor, divisor: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The cross-entropy of an output layer's logits, and how many argmax predictions match, as `fused.cross_entropy`.

    The backward pass can run once.

    Args:
        hidden: (answers, width), what goes into the output layer.
        targets: (answers,).
        divisor: of the summed loss.
    """
    apply: Any = _ChunkedCrossEntropy.apply
    loss, correct = apply(hidden.contiguous(), layer.weight, layer.bias, targets, divisor)
    return loss, correct


def find(model: Any) -> torch.nn.Linear | None:
    """The output layer of a CPU model, if its logits are this frozen layer's product and nothing else.

    Tested by running the model with and without it: some architectures change their logits afterwards. A limit that a
    short test might not reach is read from the config.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    if getattr(base.config.get_text_config(), "final_logit_softcapping", None):
        return None
    layer = base.get_output_embeddings() if hasattr(base, "get_output_embeddings") else None
    if type(layer) is not torch.nn.Linear or layer.weight.device.type != "cpu":
        return None
    if any(part is not None and part.requires_grad for part in (layer.weight, layer.bias)):
        return None
    ids = torch.tensor([_PROBE])
    try:
        with undisturbed(model), torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits.float()
            with skipped(layer):
                hidden = model(input_ids=ids, use_cache=False).logits
            if hidden.dtype != layer.weight.dtype or hidden.shape[-1] != layer.in_features:
                return None
            difference = float((layer(hidden).float() - logits).abs().max() / logits.std().clamp_min(1e-6))
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
        return None
    return layer if difference <= (_EXACT if layer.weight.dtype == torch.float32 else _ROUNDED) else None


@contextmanager
def skipped(layer: torch.nn.Linear) -> Iterator[None]:
    """Temporarily let a model return what goes into its output layer as its logits."""
    with fused.patched([(layer, "forward", lambda hidden: hidden)]):
        yield
