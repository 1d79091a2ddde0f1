"""Basics of a run: seeds, threads, device, dtype, schedules, memory in use, and the error when it runs out."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import math
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy
import torch

from core.errors import OutOfMemory, SettingsError
from core.models.methods.base import Method
from core.settings import get_settings
from core.training.jobs import remedies
from core.training.jobs.spec import ResolvedTraining

# A CPU multiplies bf16 with oneDNN, and what it prepares for each shape of a product is kept twice: by oneDNN, and in
# the cache of torch's layer above it (ideep). Every length of a step has its own shapes. Both keep 1,024 by default:
# the starter then took 540 MB more than in fp32 after 90 steps; with 64 in torch's layer, 140 MB more.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
os.environ.setdefault("LRU_CACHE_CAPACITY", "64")

# Threads synchronize at every operation. 210 steps of 2.5 GFLOP (the starter, four short examples) took 10 s
# with one thread and 16 s with two, measured on 2 cores.
SMALL_STEP_FLOP: Final = 1e10
_MESSAGES: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "can't start new thread",  # no memory for its stack
)


def seed_all(seed: int) -> None:
    """Seed every random generator of a run, so that the same seed repeats the run on a CPU."""
    random.seed(seed)
    torch.manual_seed(seed)
    numpy.random.seed(seed)


def use_cores(step_flop: float = math.inf) -> int:
    """Let torch use the cores of this process and return their number; OMP_NUM_THREADS takes precedence.

    Args:
        step_flop: floating-point operations of one step. Below SMALL_STEP_FLOP one thread is faster than several, and
            leaves the other cores to the rest of the studio.
    """
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(1 if step_flop < SMALL_STEP_FLOP else len(os.sched_getaffinity(0)))
    return torch.get_num_threads()


def device() -> torch.device:
    """The device of `SFT_DEVICE`: auto uses the GPU if there is one.

    Raises:
        SettingsError: cuda is set, but torch finds no GPU.
    """
    setting = get_settings().device
    if setting == "cuda" and not torch.cuda.is_available():
        raise SettingsError("SFT_DEVICE = 'cuda', but torch finds no NVIDIA GPU.", "Set SFT_DEVICE=auto.")
    return torch.device("cuda" if setting != "cpu" and torch.cuda.is_available() else "cpu")


def dtype(where: torch.device, precision: str = "auto") -> torch.dtype:
    """The dtype of a precision on a device.

    auto: bf16 on a GPU that supports it, else fp32. A run and a served base have theirs settled before
    (`worker.training.precision`).
    """
    if precision == "auto":
        bf16 = where.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if bf16 else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def memory_bytes(where: torch.device) -> int:
    """Bytes in use: of the GPU by this process, or this process's resident set."""
    if where.type == "cuda":
        return int(torch.cuda.memory_allocated(where))
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_memory_bytes(where: torch.device) -> int:
    """The most bytes in use so far, on the same scale as `memory_bytes`."""
    if where.type == "cuda":
        return int(torch.cuda.max_memory_allocated(where))
    status = Path("/proc/self/status").read_text()  # getrusage would include the parent's peak from before the exec
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def release_memory() -> None:
    """Return freed memory to the system: glibc holds it, and after loading a large model that is a lot."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def warmup_cosine(warmup_steps: int, steps: int) -> Callable[[int], float]:
    """The factor of the learning rate by step: a linear warm-up, then half a cosine down to zero."""

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, steps - warmup_steps)))

    return factor


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the GPU or on the CPU."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    return any(message in text for message in _MESSAGES)


@contextlib.contextmanager
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
