"""`sft worker`: another worker, for a running studio on this or another machine."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def worker(
    queue: Annotated[str, typer.Option(help="gpu (training), cpu (conversion, validation) or io.")] = "gpu",
) -> None:
    """Run one worker in the foreground; several machines share REDIS_URL, DATABASE_URL and STORAGE_URL."""
    os.execv(sys.executable, [sys.executable, "-m", "worker", queue])  # noqa: S606
