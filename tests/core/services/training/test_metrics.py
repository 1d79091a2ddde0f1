from __future__ import annotations

from pathlib import Path

from core.platform.db.uow import UnitOfWork
from core.services.training import jobs, metrics
from core.training.metrics import METRICS, Point
from tests.support.jobs import begin, launch, make_dataset


def write(job_id: str, steps: range, split: str = "train") -> None:
    with UnitOfWork() as uow:
        for step in steps:
            measured = {"epoch": step / 10, "loss": 1 / step, "tokens": 100 * step, "tokens_per_s": 50.0}
            metrics.write(uow, job_id, [Point.of(split, step, measured)])
        uow.commit()


def test_a_poll_gets_only_what_is_new(studio_env: Path) -> None:
    job = launch(make_dataset())
    write(job.id, range(1, 11))
    first = metrics.since(job.id)
    assert [point.step for point in first] == list(range(1, 11))
    assert metrics.since(job.id, first[-1].id) == []
    write(job.id, range(5, 11, 5), "validation")
    assert [(point.split, point.step) for point in metrics.since(job.id, first[-1].id)] == [
        ("validation", 5),
        ("validation", 10),
    ]


def test_a_running_job_shows_its_last_point_and_the_time_left(studio_env: Path) -> None:
    job = launch(make_dataset())
    begin(job)
    write(job.id, range(1, 11))
    write(job.id, range(10, 11), "validation")
    now = jobs.get_job(job.id)
    held_out = now.final_validation(METRICS.get("loss"))
    assert (now.step, now.loss, held_out, now.point and now.point.tokens) == (10, 0.1, 0.1, 1000)
    assert now.duration_s is not None


def test_the_time_left_is_at_first_that_of_the_last_step_and_then_by_the_clock(studio_env: Path) -> None:
    job = launch(make_dataset())
    begin(job)
    write(job.id, range(1, 3))
    now = jobs.get_job(job.id)
    assert now.time_left_s == (now.total_steps - 2) * 100 / 50
    with UnitOfWork() as uow:
        points = [
            Point("train", step, {"loss": 1.0, "tokens_per_s": 1e9}, created_at=3e9 + 5 * step) for step in range(3, 10)
        ]
        metrics.write(uow, job.id, points)
        uow.commit()
    assert jobs.get_job(job.id).time_left_s == 5 * (now.total_steps - 9)
