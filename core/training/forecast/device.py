"""Where training would run, and how much memory is free there; from psutil and nvidia-smi, without torch."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil

from core.settings import get_settings

_CGROUP = Path("/sys/fs/cgroup")
_FRESH_S = 5  # how long an answer of nvidia-smi is reused


@dataclass(frozen=True, slots=True)
class Device:
    """The device that training uses, with its memory right now."""

    kind: Literal["cpu", "cuda"]
    name: str
    total_bytes: int
    free_bytes: int


def detect() -> Device:
    """The device of `SFT_DEVICE` (auto uses a GPU if there is one and torch supports it)."""
    if get_settings().device != "cpu" and _torch_has_cuda():
        gpu = _gpu(int(time.monotonic() / _FRESH_S))
        if gpu is not None:
            return gpu
    return _cpu()


def _cpu() -> Device:
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit = _number(_CGROUP / "memory.max")
    if limit is not None and limit < total:  # the limit of a container
        used = _number(_CGROUP / "memory.current") or 0
        total, free = limit, max(0, min(free, limit - used))
    cores = psutil.cpu_count(logical=True) or 1
    return Device("cpu", f"CPU, {cores} cores", total, free)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None


@lru_cache(maxsize=1)
def _torch_has_cuda() -> bool:
    """Whether the installed torch was built for CUDA, from its version alone (importing it takes seconds)."""
    try:
        return "+cpu" not in metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False


@lru_cache(maxsize=1)
def _gpu(moment: int) -> Device | None:
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits", "--id=0"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=5, check=True).stdout
        name, total, free = (part.strip() for part in answer.splitlines()[0].rsplit(",", 2))
        return Device("cuda", name, int(total) << 20, int(free) << 20)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
