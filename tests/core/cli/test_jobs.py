"""`sft jobs` and `sft jobs show`: jobs by name, and the truth about a job whose processes died."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import main
from core.platform.tasks import owners
from core.services.platform import tasks
from core.services.training import jobs
from core.services.training.jobs import JobRecord
from tests.support.jobs import begin, launch, make_dataset

pytestmark = pytest.mark.usefixtures("studio_env")


def running(owner: str = "test:1") -> JobRecord:
    job = launch(make_dataset())
    begin(job, owner)
    return job


def dead_owner() -> str:
    """The name of a worker and its work process on this machine that have both ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return f"gpu-{owners.place()}-{ended.pid}-ab12:{ended.pid}"


def test_a_job_whose_processes_died_waits_to_resume(capsys: pytest.CaptureFixture[str]) -> None:
    job = running(dead_owner())
    assert jobs.get_job(job.id).waiting_to_resume
    assert "no training worker is running" in (jobs.get_job(job.id).waiting_reason or "")
    assert main(["jobs"]) == 0
    assert "waiting to resume" in capsys.readouterr().out
    assert main(["jobs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["waiting_to_resume"] is True
    assert main(["jobs", "show", job.id]) == 0
    assert "no training worker is running" in capsys.readouterr().out
    assert main(["tasks"]) == 0
    listed = capsys.readouterr().out
    assert "waiting to resume" in listed
    assert "running" not in listed
    assert main(["tasks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["waiting_to_resume"] is True
    assert tasks.get_task(job.task_id).waits_to_resume
    assert [task.waits_to_resume for task in tasks.list_tasks(kind="training")] == [True]


def test_a_job_with_a_live_worker_is_running(capsys: pytest.CaptureFixture[str]) -> None:
    running()
    assert main(["jobs"]) == 0
    assert "waiting to resume" not in capsys.readouterr().out


def test_a_job_is_shown_by_its_name_unless_two_have_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dataset = make_dataset()
    first = launch(dataset, name="Support")
    assert main(["jobs", "show", "Support", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["job"] == first.id
    assert main(["jobs", "metrics", "Support", "--csv", str(tmp_path / "points.csv")]) == 0
    second = launch(dataset, name="Support")
    capsys.readouterr()
    assert main(["jobs", "show", "Support"]) != 0
    refused = capsys.readouterr().err
    assert "2 jobs are named 'Support'" in refused
    assert refused.index(second.id) < refused.index(first.id)
    assert main(["jobs", "show", "Moon"]) != 0
    assert "There is no job 'Moon'" in capsys.readouterr().err


def test_a_launch_without_a_worker_says_how_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dataset", make_dataset().id, "--epochs", "2"]) == 0
    told = capsys.readouterr()
    assert "No worker runs: `sft up` starts the studio" in told.err
    assert "pending" in told.out
