"""Getting the files of a base model: one module per kind of source (`core/models/base_models/sources.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched.

    Args:
        revision: the commit on the Hub; "" for other sources.
        bytes: the size of what the source has; `download_s` is 0 where it was here already.
        download_s: seconds of the transfer.
        restore_s: seconds of turning it into a model directory; 0 where it is one.
    """

    revision: str
    bytes: int
    download_s: float = 0.0
    restore_s: float = 0.0
