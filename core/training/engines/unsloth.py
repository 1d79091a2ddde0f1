"""unsloth: fused kernels for NVIDIA GPUs. Whether it works here, only importing it tells: that is tried elsewhere.

`import unsloth` takes tens of seconds, changes transformers, trl and peft for the whole process, and without a usable
GPU raises ImportError, NotImplementedError or RuntimeError. So it is tried once in a process of its own, and what came
of it is kept with the versions it came from.
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
FAILURE_LASTS_S: Final = 3_600.0  # a GPU that was full or a driver that was being replaced is asked again
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
    why: ClassVar[str] = "Unsloth is installed and this machine has an NVIDIA GPU: the fastest way for this method."
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
    """What can be seen without trying: "" when an NVIDIA GPU and the package are there."""
    if devices.detect().kind != "cuda":
        return "it needs an NVIDIA GPU, and training runs on the CPU here."
    if importlib.util.find_spec("unsloth") is None:
        return "it is not installed."
    return ""


def last_probe() -> str | None:
    """What came of the last try with these very versions: "" for usable, else the reason; None when nobody tried."""
    try:
        kept: dict[str, Any] = json.loads(_file().read_text())
        if kept["versions"] != _versions():
            return None
        if kept["reason"] and time.time() - float(kept["at"]) > FAILURE_LASTS_S:
            return None
        return str(kept["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def try_import() -> str:
    """Import unsloth in a process of its own, keep what came of it, and return the reason ("" for usable)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            env={**os.environ, **environment()},
        )
        said = (done.stdout.strip().splitlines() or [""])[-1]
        if said == "yes":
            reason = ""
        elif said.startswith("no "):
            reason = f"importing it fails here: {said.removeprefix('no ').rstrip('.')}."
        else:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            reason = f"importing it fails here: {last.rstrip('.')}."
    except subprocess.TimeoutExpired:
        reason = f"importing it did not end within {PROBE_TIMEOUT_S:.0f} s."
    record(reason)
    return reason


def record(reason: str) -> None:
    """Keep what came of importing it here, with the versions it came from."""
    _file().write_text(json.dumps({"versions": _versions(), "reason": reason, "at": time.time()}))


def environment() -> dict[str, str]:
    """What has to be set before it is imported: no statistics are sent, nothing is fetched, and the kernels that it
    compiles go where the studio keeps its files, not into whatever directory is the current one."""
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
    found = {"python": sys.version.split()[0], "gpu": devices.detect().name}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = ""
    return found
