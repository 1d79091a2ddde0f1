"""Out-of-memory errors, with the settings that would help."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from core.errors import OutOfMemory
from core.models.methods.base import Method
from core.training.jobs import remedies
from core.training.jobs.spec import ResolvedTraining

_MESSAGES: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "can't start new thread",  # no memory for its stack
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the GPU or on the CPU."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    return any(message in text for message in _MESSAGES)


@contextmanager
def reporting_out_of_memory(training: ResolvedTraining, method: Method, examples: int) -> Iterator[None]:
    """Turn every error that means out of memory into OutOfMemory, with the settings that would help."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not out_of_memory(error):
            raise
        changes = remedies.as_text(remedies.for_memory(training, method, examples))
        raise OutOfMemory(
            f"Memory ran out: {first_line(error)}",
            f"Start a new job with less: {changes}; or choose a smaller base model.",
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an error, at most 300 characters; its type if it has no text."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
