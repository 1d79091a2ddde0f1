"""The working directory of each task.

It is kept over crashes. When the task pauses or ends without success it is emptied, unless its kind resumes from it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from core.platform.tasks.kinds import TaskKind
from core.settings import get_settings


def path_of(task_id: str) -> Path:
    return get_settings().data_dir / "work" / task_id


def empty(task_id: str, kind: TaskKind) -> None:
    """Empty it, unless a retry or a resume of this kind needs its files.

    Call it before the end of the task is committed: afterwards another worker may take the task and use the directory.
    """
    if not kind.resumes_from_workdir:
        shutil.rmtree(path_of(task_id), ignore_errors=True)
