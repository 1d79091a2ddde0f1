"""What a command shows while it waits for a task: never that nothing runs while it starts it."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from core.cli._support import progress, waiting
from core.errors import JobError
from core.platform import supervisor
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.platform import tasks
from core.settings import get_settings
from tests.support import counting
from worker import run

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def task_id() -> str:
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind="counting", title="Count", payload={"until": 3, "step_s": 0.1})
        uow.commit()
    return task.id


def worked_on(task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the task, which another thread works on after a while."""
    monkeypatch.setattr(waiting, "POLL_S", 0.02)
    worker = threading.Thread(target=lambda: (time.sleep(0.3), run.execute(task_id, "w:1")))
    worker.start()
    assert waiting.wait_for(task_id).state == "succeeded"
    worker.join()
    assert len(counting.steps(get_settings().data_dir, task_id)) == 3


def test_a_command_that_starts_a_worker_says_so(task_id: str, capsys, monkeypatch) -> None:
    queue = tasks.get_task(task_id).queue
    monkeypatch.setattr(supervisor, "_kept", {f"worker-{queue}"})
    worked_on(task_id, monkeypatch)
    shown = capsys.readouterr().err
    assert shown.splitlines()[0] == "  0%  Count: starting a worker"
    assert "no " not in shown.splitlines()[0]
    assert "is running" not in shown
    assert shown.splitlines()[-1].startswith("100%")


def test_a_command_that_starts_none_says_how_to_start_one(task_id: str, capsys, monkeypatch) -> None:
    worked_on(task_id, monkeypatch)
    assert "worker is running. Start one with" in capsys.readouterr().err


def test_a_task_that_fails_is_an_error_with_its_remedy(task_id: str) -> None:
    tasks.request(task_id, "cancel")
    with pytest.raises(JobError):
        waiting.wait_succeeded(task_id)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_bar(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    shown = progress.Progress()
    for percent in (0, 50, 50, 100):
        shown.show("Convert “a file with a long name”: Converting", percent=percent, last=percent == 100)
    drawn = screen.getvalue().split("\r\x1b[2K")
    assert len(drawn) == 4
    assert drawn[2].startswith("█" * 12 + "░" * 12 + "  50%  Conv")
    assert all(len(line.rstrip("\n")) <= 39 for line in drawn)
    assert drawn[3].endswith("\n")
    assert drawn[3].count("█") == progress.BAR_CELLS


def test_elsewhere_a_line_is_printed_per_phase_and_every_few_seconds(capsys, monkeypatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown = progress.Progress()
    for step in range(100):
        clock[0] += 0.25
        shown.show(f"Convert: {step:,} rows", percent=step, phase="Converting")
    shown.show("Convert: Publishing", percent=99, phase="Publishing")
    shown.show("Convert: Publishing", percent=100, phase="Publishing", last=True)
    lines = capsys.readouterr().err.splitlines()
    assert "\r" not in "".join(lines)
    assert len(lines) == 7
    assert lines[0] == "  0%  Convert: 0 rows"
    assert lines[-1] == "100%  Convert: Publishing"
