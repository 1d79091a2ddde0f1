"""A worker whose memory the kernel limits: `python -m tests.support.limited TASK BYTES` works on the task with no more
than so many bytes beyond what it has when its libraries are loaded."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def main(task_id: str, room_bytes: str) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # each further thread reserves memory of its own
    import worker.training.engines.trl
    import worker.training.job  # noqa: F401
    from worker.run import execute

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + int(room_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    execute(task_id, "limited:1")


if __name__ == "__main__":
    main(*sys.argv[1:])
