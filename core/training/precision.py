"""The precision that a base model computes in: one rule for training, its forecast and serving.

*auto*: a GPU uses bf16 if it supports it. A CPU uses fp32, unless its processor has bf16 instructions (avx512_bf16 or
AMX) and bf16 was measured to be faster there: first by one matrix product, then by a few steps of the base model. What
was measured is stored in the data directory, by machine, torch version, base revision and kind of work. Nothing
here imports torch: the worker measures (`worker.training.precision`), everything else reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from core.models.methods.base import Method
from core.settings import get_settings

# What a base model does: its frozen weights are used beside trained ones, are packed in 4 or 8 bits, are all trained,
# or only answer. Each is measured separately.
Work = Literal["frozen", "quantized", "trained", "served"]

WIDTHS: Final = {"fp32": 4, "bf16": 2}  # bytes per number
FLAGS: Final = ("avx512_bf16", "amx_bf16")  # of a processor with bf16 instructions, as Linux names them
GAIN: Final = 1.1  # bf16 must be this many times as fast as fp32; below, the measurement's noise decides
_CPUINFO: Final = Path("/proc/cpuinfo")
_VERSION: Final = 4  # of the arithmetic of a step: what was measured with an earlier one is measured again
_NO_FLAGS: Final = "this processor has no bf16 instructions (avx512_bf16 or AMX)"


@dataclass(frozen=True, slots=True)
class PrecisionGain:
    """How many times as fast bf16 is as fp32 (0.5: half as fast), measured by one matrix product or by steps."""

    gain: float
    by: Literal["product", "steps"]


@dataclass(frozen=True, slots=True)
class PrecisionChoice:
    """The precision of a run and why.

    Attributes:
        precision: fp32 or bf16.
        asked: the setting: auto, fp32 or bf16.
        reason: a sentence without a capital and a period.
        warning: why the user's own choice is a bad one here; "" if it is not.
        settled: False if a run first measures which is faster; `precision` is the careful guess until then.
    """

    precision: str
    asked: str
    reason: str
    warning: str = ""
    settled: bool = True

    @property
    def possible(self) -> tuple[str, ...]:
        """What the run may compute in: one precision, or both until it has measured which is faster."""
        return (self.precision,) if self.settled else tuple(WIDTHS)

    @property
    def label(self) -> str:
        """`bf16`, or `fp32 or bf16` as long as that is not measured."""
        return " or ".join(self.possible)


def work_of(method: Method) -> Work:
    """What a training method does with its base."""
    if method.peft_type is None:
        return "trained"
    return "quantized" if "quantization" in method.load_arguments() else "frozen"


def usual(device: str) -> str:
    """The precision of a kind of device (cpu or cuda) where nothing was measured."""
    return "fp32" if device == "cpu" else "bf16"


def choose(asked: str, device: str, revision: str, work: Work) -> PrecisionChoice:
    """The precision on this machine, as far as it can be known without measuring.

    Args:
        asked: auto, fp32 or bf16.
        device: cpu or cuda.
        revision: of the base model's files.
    """
    if asked != "auto":
        risky = (asked, device) == ("bf16", "cpu")
        return PrecisionChoice(asked, asked, "chosen by you", slow_warning(revision, work) if risky else "")
    if device != "cpu":
        return PrecisionChoice("bf16", asked, "the GPU computes in bf16")
    if not has_bf16():
        return PrecisionChoice("fp32", asked, _NO_FLAGS)
    found = recall(revision, work)
    if found is None:
        return PrecisionChoice(
            "fp32", asked, "a few steps at the start of the run measure which is faster", settled=False
        )
    return by_measurement(found)


def by_measurement(found: PrecisionGain) -> PrecisionChoice:
    """What *auto* chooses after a measurement."""
    reason = f"{compared(found.gain)} on this machine, measured by {_BY[found.by]}"
    return PrecisionChoice("bf16" if found.gain >= GAIN else "fp32", "auto", reason)


_BY: Final = {"product": "a matrix product", "steps": "steps of this base model"}


def compared(gain: float) -> str:
    """A gain in words: `bf16 is 1.63 times as fast as fp32`, or `bf16 takes 48 times as long as fp32`."""
    if gain >= 1:
        return f"bf16 is {gain:.2f} times as fast as fp32"
    return f"bf16 takes {1 / gain:.2g} times as long as fp32"


def slow_warning(revision: str, work: Work) -> str:
    """A warning for bf16 on a CPU where it is not faster; "" where it is, or where nothing is known against it."""
    found = recall(revision, work) or recall("", "product")
    if found is not None and found.gain < GAIN:
        return f"{compared(found.gain)} on this machine, measured by {_BY[found.by]}. fp32 is faster."
    if not has_bf16():
        return f"bf16 is slow on this machine: {_NO_FLAGS}. The run measures how slow when it starts."
    return ""


# ---- what was measured


def recall(revision: str, work: str) -> PrecisionGain | None:
    """The stored measurement; None if there is none for this machine and torch version."""
    try:
        stored = json.loads(_file(revision, work).read_text())
        return PrecisionGain(float(stored["gain"]), stored["by"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(revision: str, work: str, found: PrecisionGain) -> None:
    """Store a measurement. A full disk does not fail the run: it is measured again the next time."""
    file = _file(revision, work)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"machine": machine(), "torch": _torch(), "revision": revision, "work": work, "at": time.time()}
        temporary.write_text(json.dumps({**asdict(found), **about}, indent=1))
        temporary.replace(file)


def _file(revision: str, work: str) -> Path:
    key = hashlib.sha256(json.dumps([_VERSION, machine(), _torch(), revision, work]).encode()).hexdigest()[:32]
    return get_settings().data_dir / "cache" / "precision" / f"{key}.json"


# ---- the processor


def has_bf16() -> bool:
    """Whether the processor has instructions that multiply in bf16."""
    return any(flag in processor()[1] for flag in FLAGS)


def machine() -> str:
    """The processor's name, its bf16 instructions and the cores of this process: what a measurement depends on."""
    name, flags = processor()
    return f"{name}; {' '.join(flag for flag in FLAGS if flag in flags)}; {len(os.sched_getaffinity(0))} cores"


@lru_cache(maxsize=1)
def processor() -> tuple[str, frozenset[str]]:
    """The processor's name and its flags, from /proc/cpuinfo; no flags where there is no such file."""
    facts: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in _CPUINFO.read_text().splitlines():
            name, colon, value = line.partition(":")
            if colon:
                facts.setdefault(name.strip(), value.strip())
    return facts.get("model name", platform.machine()), frozenset(facts.get("flags", "").split())


def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""
