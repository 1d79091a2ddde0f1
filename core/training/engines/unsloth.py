"""Unsloth: fused kernels for NVIDIA GPUs. Only importing it shows whether it works, so a separate process tries that.

`import unsloth` takes tens of seconds, changes transformers, trl and peft for the entire process, and without a usable
GPU raises ImportError, NotImplementedError or RuntimeError. So it is imported once in a separate process, and the
result is stored with the package versions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Final

from core.settings import get_settings
from core.training.engines.base import Engine
from core.training.forecast import device as devices

PACKAGES: Final = ("unsloth", "unsloth_zoo", "torch", "transformers", "trl", "peft", "bitsandbytes", "triton")
PROBE_TIMEOUT_S: Final = 240.0
FAILURE_LASTS_S: Final = 3_600.0  # then it is tried again: a GPU may have been full, or a driver being replaced
_PROBE: Final = """
import sys
try:
    import unsloth
except (ImportError, NotImplementedError, RuntimeError) as error:
    lines = str(error).strip().splitlines()
    print("no " + (lines[0] if lines else type(error).__name__))
else:
    print("yes")
"""


class Unsloth(Engine):
    """LoRA, QLoRA and full fine-tuning on an NVIDIA GPU."""

    id: ClassVar[str] = "unsloth"
    title: ClassVar[str] = "Unsloth"
    text: ClassVar[str] = "Fused kernels for NVIDIA GPUs: faster, with less memory. LoRA, QLoRA and full fine-tuning."
    why: ClassVar[str] = "Unsloth is installed and this machine has an NVIDIA GPU: the fastest engine for this method."
    module: ClassVar[str] = "worker.training.engines.unsloth"
    # what unsloth's FastModel trains: every weight, or LoRA (on 16, 8 or 4 bits)
    peft_types: ClassVar[tuple[str | None, ...] | None] = (None, "LORA")
    remedy: ClassVar[str] = (
        "Choose auto or trl. On a machine with an NVIDIA GPU: pip install -e .[gpu] -c constraints.txt"
    )

    def available(self, *, probe: bool = False) -> str:
        if missing := _missing():
            return missing
        known = last_probe()
        if known is None and probe:
            known = try_import()
        return known or ""

    def examine(self) -> str:
        return _missing() or try_import()


def _missing() -> str:
    """What is missing, without importing it; "" if there is an NVIDIA GPU and the package is installed."""
    if devices.detect().kind != "cuda":
        return "it needs an NVIDIA GPU, and training runs on the CPU here."
    if importlib.util.find_spec("unsloth") is None:
        return "it is not installed."
    return ""


def last_probe() -> str | None:
    """The result of the last try with exactly these versions: "" for usable, else the reason; None if not tried."""
    try:
        stored: dict[str, Any] = json.loads(_file().read_text())
        if stored["versions"] != _versions():
            return None
        if stored["reason"] and time.time() - float(stored["at"]) > FAILURE_LASTS_S:
            return None
        return str(stored["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def try_import() -> str:
    """Import unsloth in a separate process, store the result, and return the reason ("" for usable)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            env={**os.environ, **environment()},
        )
        answer = (done.stdout.strip().splitlines() or [""])[-1]
        if answer == "yes":
            reason = ""
        elif answer.startswith("no "):
            reason = f"importing it fails here: {answer.removeprefix('no ').rstrip('.')}."
        else:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            reason = f"importing it fails here: {last.rstrip('.')}."
    except subprocess.TimeoutExpired:
        reason = f"importing it took more than {PROBE_TIMEOUT_S:.0f} s."
    record(reason)
    return reason


def record(reason: str) -> None:
    """Store the result of importing it here, with the package versions."""
    _file().write_text(json.dumps({"versions": _versions(), "reason": reason, "at": time.time()}))


def environment() -> dict[str, str]:
    """Environment variables to set before the import: no statistics, no downloads, and compiled kernels in the data
    directory instead of the current one."""
    return {
        "UNSLOTH_DISABLE_STATISTICS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "UNSLOTH_COMPILE_LOCATION": str(_folder() / "compiled"),
    }


def _folder() -> Path:
    folder = get_settings().data_dir / "unsloth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _file() -> Path:
    return _folder() / "tried.json"


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0], "gpu": devices.detect().name}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = ""
    return versions
