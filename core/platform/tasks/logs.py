"""One log file per task: everything its work process printed, with tracebacks."""

from __future__ import annotations

from pathlib import Path

from core.settings import get_settings

TAIL_BYTES = 256 * 1024


def log_path(task_id: str) -> Path:
    """The path of a task's log; its directory exists."""
    directory = get_settings().data_dir / "logs" / "tasks"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{Path(task_id).name[:100]}.log"


def tail(task_id: str, lines: int = 200) -> list[str]:
    """The last lines of a task's log, oldest first; [] before it started. Reads at most the last 256 KB."""
    path = log_path(task_id)
    if not path.exists():
        return []
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        return stream.read().decode("utf-8", errors="replace").splitlines()[-lines:]
