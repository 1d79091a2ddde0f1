"""The rough time of a run before anything was measured here: by what a reference machine took, and by the processor.

Measured (`bench/RESULTS.md`): two cores with AVX-512 trained the demo's SmolLM2, 4.3e13 operations in 270 steps, in
404 s, and its starter, 5.5e12 operations in 1,440 steps, in 119 s.
"""

from __future__ import annotations

import os
from typing import Final

from core.training.precision import processor

CORE_FLOPS: Final = 52e9  # operations per second that a core of the reference machine made in training
STEP_S: Final = 0.05  # what a step takes there beside its products: many small operations, one after another
STARTER_S: Final = 136.0  # building the starter there
SPREAD: Final = (0.5, 2.5)
ALL_TRAINED, BASE_FROZEN = 6, 4  # operations for a token and parameter: forward 2, backward 4 or 2
_WIDTHS: Final = {"avx512f": 1.0, "avx2": 1.6}  # flag of a processor -> its time, 16 and 8 numbers at once
_NO_WIDTH: Final = 2.5
_ONE_CORE: Final = 1.5


def rough_time(params: int, tokens: int, steps: int, *, frozen: bool) -> tuple[float, float]:
    """The range of the seconds of a run on this processor."""
    operations = (BASE_FROZEN if frozen else ALL_TRAINED) * params * tokens
    seconds = slowness() * (operations / (CORE_FLOPS * len(os.sched_getaffinity(0))) + STEP_S * steps)
    return SPREAD[0] * seconds, SPREAD[1] * seconds


def slowness() -> float:
    """How many times as long this processor takes as the one of the reference, by its widest instructions; longer with
    one core, which the other processes of the studio share."""
    flags = processor()[1]
    width = next((factor for flag, factor in _WIDTHS.items() if flag in flags), _NO_WIDTH)
    return width if len(os.sched_getaffinity(0)) > 1 else width * _ONE_CORE
