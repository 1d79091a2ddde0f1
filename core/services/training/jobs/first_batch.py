"""The first batch of a job, as its worker stored it: for the job's screen and the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import StorageError
from core.platform.storage import get_storage
from core.services.training.jobs.reader import get_job
from core.text import plural


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A span of text: `tokens` tokens from `position` in its example; `learned` if they carry loss."""

    text: str
    learned: bool
    position: int
    tokens: int


@dataclass(frozen=True, slots=True)
class FirstBatch:
    """What the first step trained on.

    `examples`, `tokens`, `learned` (tokens with loss) and `micro_batches` count the entire step; `rows` are those of
    its first micro-batch, each with its examples in spans; `left_out` counts its tokens that were not stored.
    """

    examples: int
    tokens: int
    learned: int
    micro_batches: int
    rows: tuple[tuple[tuple[TextSpan, ...], ...], ...]
    left_out: int

    @property
    def summary(self) -> str:
        """One sentence for the events."""
        shared = (
            f"{plural(len(self.rows), 'row')} at once" if self.micro_batches == 1 else f"{self.micro_batches} parts"
        )
        return (
            f"The first step has {self.examples:,} examples in {shared}: {self.tokens:,} tokens, "
            f"{self.learned:,} of them learned."
        )


def key(job_id: str) -> str:
    """Its storage key."""
    return f"jobs/{job_id}/first_batch.json"


def keep(job_id: str, plain: Mapping[str, Any]) -> FirstBatch:
    """Store the first batch of a run (see `worker.training.first_batch.shown`)."""
    get_storage().write_bytes(key(job_id), json.dumps(plain, ensure_ascii=False).encode())
    return _read(plain)


def first_batch(job_id: str) -> FirstBatch | None:
    """The first batch of a job; None before its first step, and for jobs of earlier releases."""
    job = get_job(job_id)
    try:
        return _read(json.loads(get_storage().read_bytes(key(job.id))))
    except (StorageError, ValueError, KeyError):
        return None


def _read(plain: Mapping[str, Any]) -> FirstBatch:
    rows = tuple(
        tuple(
            tuple(TextSpan(text, bool(learned), position, tokens) for text, learned, position, tokens in example)
            for example in row
        )
        for row in plain["rows"]
    )
    counts = {name: int(plain[name]) for name in ("examples", "tokens", "micro_batches", "left_out")}
    return FirstBatch(rows=rows, learned=int(plain["learnt"]), **counts)  # stored under this name by every release
