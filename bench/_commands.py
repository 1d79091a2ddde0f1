"""Commands as cold child processes: seconds, and the memory of all processes that they start."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.05  # how often the memory is looked at
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command and of all processes that it waits for.

    Attributes:
        seconds: of the wall clock. processor_s: of the processors, which a busy machine lengthens less.
        peak_mb: at its peak the memory that the processes share with no other program.
    """

    seconds: float
    processor_s: float
    peak_mb: float

    @classmethod
    def best(cls, runs: Sequence[Run]) -> Run:
        """The shortest times, and the highest peak."""
        shortest = (min(run.seconds for run in runs), min(run.processor_s for run in runs))
        return cls(*shortest, max(run.peak_mb for run in runs))


def sft(data: Path, *arguments: str) -> Run:
    """Run `sft ARGUMENTS` with its own data directory. An exit code of 1 is an answer of `validate`."""
    return command(data, [sys.executable, "-m", "core.cli", *arguments], (0, 1) if arguments[0] == "validate" else (0,))


def script(data: Path, text: str, *arguments: str) -> Run:
    """Run a Python program in a new process."""
    return command(data, [sys.executable, "-c", text, *arguments])


def command(data: Path, words: list[str], fine: tuple[int, ...] = (0,)) -> Run:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; with what it printed.
    """
    environment = {**os.environ, **_OFFLINE, "SFT_DATA_DIR": str(data), "HF_HOME": f"{data}/hf"}
    with tempfile.TemporaryFile("w+") as printed:
        begun, before, peak = time.perf_counter(), _processor_s(), 0
        process = subprocess.Popen(words, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            try:
                process.wait(_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
        seconds = time.perf_counter() - begun
        printed.seek(0)
        if process.returncode not in fine:
            raise SystemExit(f"{' '.join(words)[:300]} ended with {process.returncode}:\n{printed.read()[-2000:]}")
    return Run(seconds, _processor_s() - before, peak / 1e6)


def _processor_s() -> float:
    """Processor time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(root: int) -> int:
    """Bytes of a process and its descendants; pages of files are not counted."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    family, size = {root}, len(parents) + 1
    while len(family) != size:
        size = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    total = 0
    for process in family:
        try:
            _, resident, shared = Path(f"/proc/{process}/statm").read_text().split()[:3]
        except (OSError, ValueError):
            continue
        total += (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    return total
