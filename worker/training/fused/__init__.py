"""Operations with a hand-written backward pass, for a CPU, where autograd's own pieces cost more than the arithmetic.

On a CPU a step of a small model is bound by memory: each elementwise pass over the tokens of a step costs about as much
as a matrix product of that width. The operations return what the plain ones return, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worker.training.fused.cross_entropy import cross_entropy
from worker.training.fused.low_rank import adapters, low_rank
from worker.training.fused.norms import norms
from worker.training.fused.rotary import rotate, rotations

__all__ = ["adapters", "cross_entropy", "layers", "low_rank", "norms", "rotate", "rotations"]


@contextmanager
def layers(model: Any) -> Iterator[None]:
    """Temporarily replace a CPU model's forward methods with equivalent fused versions; restored on exit."""
    with norms(model), rotations(model), adapters(model):
        yield
