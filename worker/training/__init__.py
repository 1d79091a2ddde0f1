"""Local training. `train` works without database and queue; `job.handle` is the same inside a background task."""

from __future__ import annotations

import os
from typing import Any

# Training reads local files only; the libraries below would otherwise ask the Hub in passing.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the data is tokenised before workers could be forked
# Threads that wait must sleep: spinning ones starve whatever shares the cores (with 13 processes on 2 cores a step took
# 5 to 8 times longer). Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    if name == "train":  # torch is imported when training is, and not before
        from worker.training.run import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
