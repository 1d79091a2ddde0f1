"""How many of the tokens that carry loss the model foretells right (its likeliest next token is the one that comes)."""

from __future__ import annotations

from typing import Any

import torch

from core.render import IGNORED


def right_tokens(out: Any, labels: torch.Tensor) -> int:
    """Tokens foretold right in one batch.

    Args:
        out: the model's output: with `num_correct_tokens` where its loss was computed in chunks (the logits are never
            held whole then), else with `logits` of shape (rows, width, vocabulary).
        labels: (rows, width), unshifted, -100 where no loss falls.
    """
    counted = getattr(out, "num_correct_tokens", None)
    if counted is not None:
        return int(counted)
    wanted = labels[:, 1:]
    carries = wanted != IGNORED
    logits = out.logits[:, -labels.shape[1] : -1]  # prompt-learning methods put their own tokens before the batch
    return int((logits[carries].argmax(dim=-1) == wanted[carries]).sum())
