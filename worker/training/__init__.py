"""Local training: from Python without a database or queue (`library`, exported here), or as a task (`job`)."""

from __future__ import annotations

import os
from typing import Any

# Training reads local files only; the libraries would otherwise send requests to the Hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the data is tokenized before workers could be forked
# Waiting threads spin for microseconds, then sleep. Waking a thread for each operation took about 4 % of a step of a
# 135M model in fp32. With 10,000 spins two processes on two cores took 2.0 times as long as without, with 1,000 1.1
# times. Read when torch is first imported.
if os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE").upper() == "PASSIVE":
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_LIBRARY = ("Examples", "Trained", "load_examples", "method", "settings", "train")
__all__ = list(_LIBRARY)  # documented in docs/python.md


def __getattr__(name: str) -> Any:
    if name in _LIBRARY:  # torch is imported only when one of these is used
        from worker.training import library

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
