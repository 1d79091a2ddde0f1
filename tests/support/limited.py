"""A worker whose memory the kernel limits: `python -m tests.support.limited TASK BYTES` works on the training task with
no more than so many bytes beyond what it has when its data is read: tokenizers abort the process where theirs runs out.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any


def main(task_id: str, room_bytes: str) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # each further thread reserves memory of its own
    from worker.run import execute
    from worker.training import job

    class Limited(job.Reporter):
        def on_loaded(self, *read: Any) -> None:
            super().on_loaded(*read)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + int(room_bytes)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    job.Reporter = Limited  # type: ignore[misc]
    execute(task_id, "limited:1")


if __name__ == "__main__":
    main(*sys.argv[1:])
