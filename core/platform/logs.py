"""Logging of every process: JSON lines in `<data dir>/logs/`, readable lines on stderr.

Modules log through the standard library (`logging.getLogger(__name__)`, further facts as `extra={...}`). A process
calls `configure` once at its start. `bound(task_id=...)` adds facts to every line of the block, also from other
modules; structlog carries them in context variables.

Everything that a task's work process prints, with tracebacks, is in `logs/tasks/<task>.log`.

`logs/<process>.jsonl` is limited to LARGEST_BYTES, with KEPT older files beside it. Several processes may write to the
same file: a worker and its work processes do.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import sys
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final, TextIO

from core.errors import SettingsError
from core.platform.short_processes import hidden
from core.settings import get_settings

with hidden("rich"):  # for tracebacks in colors, which no log has; a tenth of the start of a short command
    import structlog

LARGEST_BYTES: Final = 10_000_000
KEPT: Final = 3
TAIL_BYTES: Final = 256 * 1024

# A line per request or statement would bury the lines that people read.
_WARNINGS_ONLY: Final = ("alembic", "httpx", "httpx2", "httpcore", "openai", "ollama", "rq.job", "urllib3")


def configure(process: str, *, level: int = logging.INFO, on_stderr: bool | None = None) -> None:
    """Send the lines of every logger to `logs/<process>.jsonl` and to stderr; a second call replaces the first.

    Args:
        process: names the file: web, worker-gpu, inference, ...
        level: less important lines are dropped.
        on_stderr: None writes readable lines to stderr unless it is a file: the supervisor's file of a service is for
            output that does not pass through loggers.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, (_JsonLines, _Readable)):
            root.removeHandler(handler)
    with contextlib.suppress(SettingsError, OSError):  # the command line reports a data directory that cannot be used
        path = log_file(process)
        path.parent.mkdir(parents=True, exist_ok=True)
        root.addHandler(_JsonLines(path))
    if not _is_file(sys.stderr) if on_stderr is None else on_stderr:
        root.addHandler(_Readable())
    root.setLevel(level)
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def adopt(*names: str) -> None:
    """Route the lines of libraries with separate handlers through ours.

    Args:
        names: of loggers, with all loggers below them.
    """
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.split(".")[0] in names:
            logger.handlers.clear()
            logger.propagate = True


def bound(**facts: Any) -> AbstractContextManager[None]:
    """Add facts to every line that this thread logs in the block. Pass them on with `contextvars.copy_context()`."""
    return structlog.contextvars.bound_contextvars(**facts)


def log_file(process: str) -> Path:
    """Where the JSON lines of a process are. Raises SettingsError."""
    return get_settings().data_dir / "logs" / f"{process}.jsonl"


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


class _JsonLines(logging.Handler):
    """Appends each record as one JSON line. A disk that is full, or a directory that was deleted, stops no work."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.EventRenamer("message"),
                    structlog.processors.JSONRenderer(),
                ],
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            with self.path.open("ab", buffering=0) as stream:
                stream.write(line.encode("utf-8", "backslashreplace"))
                if stream.tell() > LARGEST_BYTES:
                    self._rotate(stream)
        except OSError:
            return
        except Exception:
            self.handleError(record)

    def _rotate(self, stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX)  # several processes see the size at once; one of them renames
        if os.fstat(stream.fileno()).st_ino != self.path.stat().st_ino:
            return
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, KEPT + 1))]
        for newer, older in reversed(list(pairwise(names))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)


class _Readable(logging.StreamHandler[TextIO]):
    """One line per record on whatever `sys.stderr` is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # closed, or not a file of the system (a test's)
        return False
