"""The kernel's count of memory kills is read where this process lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.watching import memory_kills


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


VMSTAT = {"proc/vmstat": "nr_free_pages 7\noom_kill 99\n"}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (VMSTAT | {"proc/self/cgroup": "0::/app\n", "sys/fs/cgroup/app/memory.events": "oom 4\noom_kill 3\n"}, 3),
        (VMSTAT | {"proc/self/cgroup": "0::/outside\n", "sys/fs/cgroup/memory.events": "oom_kill 2\n"}, 2),
        (
            VMSTAT
            | {
                "proc/self/cgroup": "5:cpu:/\n4:memory:/app\n0::/\n",
                "sys/fs/cgroup/memory/app/memory.oom_control": "under_oom 0\noom_kill 5\n",
            },
            5,
        ),
        (VMSTAT, 99),
        ({}, 0),
    ],
    ids=["own group", "container", "version 1", "machine", "nothing"],
)  # fmt: skip
def test_the_nearest_count_is_taken(tmp_path: Path, files: dict[str, str], wanted: int) -> None:
    assert memory_kills(write(tmp_path, files)) == wanted
