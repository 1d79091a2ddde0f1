"""Operations whose backward is written out, for the places where autograd's own pieces cost more than the arithmetic.

On a CPU a step of a small model is bound by memory: each elementwise pass over the tokens of a step costs about as much
as a matrix product of that width. The operations here give what the plain ones give, to rounding.
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
    """Give a model on a CPU the forwards of this package wherever they compute what its own do; afterwards all have
    theirs again."""
    with norms(model), rotations(model), adapters(model):
        yield
