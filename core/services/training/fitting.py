"""Whether a base model can be trained on this machine, also before it is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.models.base_models import BaseModelRef
from core.models.methods import METHODS, build, recommended_method
from core.text import size
from core.training.forecast import device as devices
from core.training.forecast.memory import forecast_memory
from core.training.forecast.typical import typical_dims

TOKENS: Final = 1_024  # the length of a typical example


@dataclass(frozen=True, slots=True)
class _Run:
    per_device_batch_size: int = 2
    max_seq_length: int = TOKENS
    gradient_accumulation_steps: int = 1
    gradient_checkpointing: str = "auto"


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a base model fits: with which method, or not at all, and what it needs of what is free.

    `verdict`: fits with the recommended method, only with `method` (its title), or too_large for every method.
    """

    verdict: Literal["fits", "only_with", "too_large"]
    method: str
    text: str


def fit_of(base: BaseModelRef) -> Fit | None:
    """The fit of a base model on this machine; None if its size is unknown.

    The memory is forecast for examples of TOKENS tokens, two at once; of a model whose files are not here from the
    typical shape of its size.
    """
    if not base.params:
        return None
    device = devices.detect()
    dims = base.dims or typical_dims(base.params)
    first = recommended_method()
    smallest = None
    for method in (first, *(method for method in METHODS if method is not first)):
        memory = forecast_memory(dims, build(method.id), _Run(), device)
        text = f"{method.title} needs about {size(memory.expected)} for examples of {TOKENS:,} tokens"
        text = f"{text}; {size(memory.free_bytes)} of {device.name} is free."
        if memory.verdict == "fits":
            return Fit("fits" if method is first else "only_with", method.title, text)
        if smallest is None or memory.expected < smallest[0]:
            smallest = memory.expected, text
    return Fit("too_large", "", smallest[1] if smallest else "")
