"""The first batch of a job, as its worker wrote it down: for the job's screen and the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import StorageError
from core.platform.storage import get_storage
from core.services.training.jobs.reader import get_job


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A stretch of text: `tokens` tokens from `position` on in its example; `learnt` where loss falls."""

    text: str
    learnt: bool
    position: int
    tokens: int


@dataclass(frozen=True, slots=True)
class FirstBatch:
    """What the first step learnt from.

    `examples`, `tokens`, `learnt` and `micro_batches` are of the whole step; `rows` are those of its first micro-batch,
    each with its examples in pieces, and `left_out` counts its tokens that were not written down.
    """

    examples: int
    tokens: int
    learnt: int
    micro_batches: int
    rows: tuple[tuple[tuple[TextSpan, ...], ...], ...]
    left_out: int

    @property
    def summary(self) -> str:
        """In a sentence."""
        rows = f"{len(self.rows)} row{'' if len(self.rows) == 1 else 's'}"
        shared = f"{rows} at once" if self.micro_batches == 1 else f"{self.micro_batches} parts"
        return (
            f"The first step has {self.examples:,} examples in {shared}: {self.tokens:,} tokens, "
            f"{self.learnt:,} of them learnt."
        )


def key(job_id: str) -> str:
    """Where it is kept in the store."""
    return f"jobs/{job_id}/first_batch.json"


def keep(job_id: str, plain: Mapping[str, Any]) -> FirstBatch:
    """Write down what the worker saw (see `worker.training.first_batch.shown`)."""
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
            tuple(TextSpan(text, bool(learnt), position, tokens) for text, learnt, position, tokens in example)
            for example in row
        )
        for row in plain["rows"]
    )
    counts = {name: int(plain[name]) for name in ("examples", "tokens", "learnt", "micro_batches", "left_out")}
    return FirstBatch(rows=rows, **counts)
