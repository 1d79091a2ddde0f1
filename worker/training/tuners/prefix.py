"""Where a prefix starts: at the keys and values that the frozen base computes for a few training examples.

Random keys and values are nothing that the base has ever attended to, so the first steps have to undo them. With these
the base begins as if it had read those examples before each question, and training improves on that.
Source: Li & Liang 2021, section 7.3 (real words as the start); the same for a cache in Eyuboglu et al. 2025,
"Cartridges", section 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from core.errors import TrainingError


def first_tokens(examples: Sequence[Sequence[int]], count: int) -> list[int]:
    """`count` token ids: the first one of an example, then the end of as many examples as are needed.

    Models store much of their attention at the first token of a text, so that one is always there. The last example is
    complete, so that the text ends where a new conversation can begin. Short data is repeated.

    Args:
        examples: the token ids of each, none of them empty.
    """
    text: list[int] = []
    number = 0
    while len(text) < count:
        text.extend(examples[number % len(examples)])
        number += 1
    return [text[0], *text[len(text) - count + 1 :]]


def start_from(model: Any, tokens: Sequence[int]) -> None:
    """Set the prefix of a PEFT model to the keys and values of `tokens`, one virtual token for each.

    Raises:
        TrainingError: the base stores keys and values in a form that a prefix cannot have.
    """
    from peft import initialize_kv_prefix_from_past_key_values

    base = model.get_base_model()
    training = base.training
    base.eval()  # no dropout
    try:
        with torch.no_grad():
            cache = base(input_ids=torch.tensor([list(tokens)], device=model.device), use_cache=True).past_key_values
        pairs = [(layer.keys, layer.values) for layer in cache.layers]
        initialize_kv_prefix_from_past_key_values(model, past_key_values=pairs)
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"The prefix cannot start from examples on this base model: {str(error).strip().splitlines()[0][:300]}",
            "Set the first prefix to random, or choose another method.",
        ) from error
    finally:
        base.train(training)
