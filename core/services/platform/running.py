"""Whether the studio is complete: its database has the newest schema, and its other processes run.

`sft up` takes care of both. `streamlit run Home.py` starts the web app alone.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.errors import QueueUnavailable, SettingsError
from core.platform.db import migrate
from core.platform.processes import note_of
from core.services.platform import tasks
from core.settings import get_settings

REDIS: Final = "Redis"
WORKERS: Final = "the workers"
INFERENCE: Final = "the inference process"
_FRESH_S: Final = 5.0


def prepare() -> str:
    """Bring the database to the newest schema, once per process; returns why that failed, or ""."""
    try:
        _migrated(get_settings().sqlalchemy_url)
    except SettingsError as error:
        return str(error)
    return ""


@lru_cache(maxsize=8)
def _migrated(url: str) -> None:
    """One query where the schema is up to date; an error is not cached."""
    get_settings().data_dir.mkdir(parents=True, exist_ok=True)
    migrate.upgrade()


_seen: dict[str, tuple[float, tuple[str, ...]]] = {}


def missing() -> tuple[str, ...]:
    """The processes that do not run, as words; () under `sft up`, which starts what ended again."""
    if note_of("web") is not None:
        return ()
    settings = get_settings()
    where = f"{settings.data_dir} {settings.redis_url}"
    looked_at, found = _seen.get(where, (float("-inf"), ()))
    if time.monotonic() - looked_at > _FRESH_S:
        found = _look()
        _seen[where] = (time.monotonic(), found)
    return found


def _look() -> tuple[str, ...]:
    absent = []
    try:
        workers = tasks.workers()
        if not get_settings().redis_url and note_of("redis") is None:
            absent.append(REDIS)
    except QueueUnavailable:
        workers, absent = [], [REDIS]
    if not workers:
        absent.append(WORKERS)
    if note_of("inference") is None:
        absent.append(INFERENCE)
    return tuple(absent)


def start_command(web_port: int) -> str:
    """The command that starts what is missing beside a web app on this port."""
    own = get_settings().web_port
    return f"SFT_WEB_PORT={own + 1} {_sft()} up" if web_port == own else f"{_sft()} up"


def _sft() -> str:
    """`sft`, or where it is in an environment that was not activated, seen from this process's directory."""
    beside = Path(sys.executable).with_name("sft")
    if shutil.which("sft") or not beside.exists():
        return "sft"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
