"""Answers, losses, comparison and exports, read from what a run left behind."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.errors import Conflict, NotFound
from core.platform.db.tables import SampleAnswer
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.training import jobs, metrics, monitoring
from core.services.training.jobs import JobRecord
from core.training.example_losses import FILE, LossRow, write
from core.training.metrics import Point
from tests.core.training.jobs.test_event_file import events
from tests.support import runs


def answered(job: JobRecord, step: int, *answers: str) -> None:
    with UnitOfWork() as uow:
        for position, text in enumerate(answers):
            messages = [{"role": "user", "content": f"Question {position}?"}]
            prompt = {"split": "validation", "messages": messages, "expected": "Yes."}
            uow.session.add(SampleAnswer(job_id=job.id, step=step, position=position, answer=text, **prompt))
        uow.commit()


def test_answers_are_gathered_by_prompt_in_the_order_of_the_steps(studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    answered(job, 70, "Yes.", "No.")
    answered(job, 0, "blah", "bluh")
    first, second = monitoring.sample_answers(job.id)
    assert [(one.step, one.answer) for one in first.answers] == [(0, "blah"), (70, "Yes.")]
    assert second.messages[0].content == "Question 1?"
    assert monitoring.sample_answers("job_none") == []


def test_the_worst_examples_are_named_with_their_text(studio_env: Path, tmp_path: Path) -> None:
    data = runs.dataset()
    job = runs.launch(data)
    rows = [LossRow(position, "train", 0.001 * position**2, 10, 9) for position in range(56)]
    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter" / FILE, [*rows, LossRow(56, "validation", 9.0, 4, 1)])
    model = runs.succeed(job, tmp_path / "adapter")
    found = monitoring.example_losses(model.id)
    assert found is not None
    assert (found.measured, found.is_current) == (57, True)
    assert [one.position for one in found.worst[:3]] == [55, 54, 53]
    assert [(one.position, one.split, one.accuracy) for one in found.held_out] == [(56, "validation", 0.25)]
    assert [one.position for one in found.best[:2]] == [0, 1]
    (there,) = datasets.examples_at(data.version.id, [55])
    assert found.worst[0].example == there.example
    assert sum(train + held for _, _, train, held in found.bins) == 57
    assert found.mean == pytest.approx((sum(row.loss * 10 for row in rows) + 9.0 * 4) / (56 * 10 + 4), rel=1e-5)


def test_test_examples_do_not_count_as_unmeasured(studio_env: Path, tmp_path: Path) -> None:
    sample = load_sample("tickets")
    job = runs.launch(datasets.create_dataset("Tickets", sample.train, sample.validation, test=sample.test))
    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter" / FILE, [LossRow(0, "train", 0.02, 10, 9)])
    found = monitoring.example_losses(runs.succeed(job, tmp_path / "adapter").id)
    assert found is not None
    assert (found.measured, found.examples) == (1, len(sample.train) + len(sample.validation))


def test_held_out_examples_crowd_no_trained_one_out_of_the_worst(studio_env: Path, tmp_path: Path) -> None:
    job = runs.launch(runs.dataset())
    trained = [LossRow(position, "train", 0.02, 10, 9) for position in range(56)]
    held = [LossRow(position, "validation", 3.0 + position, 10, 2) for position in range(56, 114)]
    trained[17] = LossRow(17, "train", 1.4, 10, 5)
    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter" / FILE, [*trained, *held])
    found = monitoring.example_losses(runs.succeed(job, tmp_path / "adapter").id)
    assert found is not None
    assert found.worst[0].position == 17
    assert {one.split for one in (*found.worst, *found.best)} == {"train"}
    assert [one.position for one in found.held_out] == list(range(113, 103, -1))
    assert found.median_trained == pytest.approx(0.02)
    assert found.median_held_out == pytest.approx(3.0 + (84 + 85) / 2)


def test_what_the_model_answers_right_or_as_well_as_the_rest_is_no_likely_mistake(
    studio_env: Path, tmp_path: Path
) -> None:
    rows = [LossRow(position, "train", 0.1, 10, 10) for position in range(54)]
    rows += [LossRow(54, "train", 0.9, 10, 10), LossRow(55, "train", 0.15, 10, 9)]  # right; wrong, but not clearly
    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter" / FILE, rows)
    found = monitoring.example_losses(runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter").id)
    assert found is not None
    assert found.worst == ()
    assert len(found.best) == 10


def test_an_example_is_found_again_in_a_newer_version(studio_env: Path) -> None:
    from core.data.editing import DropRows
    from core.services.data.datasets import edits

    data = runs.dataset()
    before = {one.position: one.example for one in datasets.examples_at(data.version.id, [0, 20])}
    assert monitoring.locate(data.id, before[20], 20) == 20
    edits.apply(data.id, DropRows(positions=(0,)), base_version_id=data.version.id)
    assert monitoring.locate(data.id, before[20], 20) == 19
    assert monitoring.locate(data.id, before[0], 0) is None


def test_a_model_of_an_earlier_release_has_no_losses(studio_env: Path, tmp_path: Path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    assert monitoring.example_losses(model.id) is None


def test_only_settings_that_differ_are_listed_and_the_best_is_marked(studio_env: Path) -> None:
    data = runs.dataset()
    slow, fast = runs.launch(data, "Slow", learning_rate=0.001), runs.launch(data, "Fast")
    runs.begin(slow, 70)
    runs.begin(fast, 140)
    found = monitoring.compare([slow.id, fast.id, slow.id])
    assert [run.name for run in found.runs] == ["Slow", "Fast"]
    assert {setting.name: setting.values for setting in found.settings} == {"Learning rate": (0.001, 0.002)}
    figures = {figure.name: figure for figure in found.figures}
    assert figures["Final loss"].best == (1,)
    assert figures["Steps"].best == ()
    with pytest.raises(NotFound):
        monitoring.compare(["job_none"])


def test_the_csv_holds_every_point_and_every_column(studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 70)
    rows = list(csv.DictReader(io.StringIO(monitoring.metrics_csv(job.id).decode())))
    points = metrics.all_points(job.id)
    assert [(row["split"], int(row["step"])) for row in rows] == [(point.split, point.step) for point in points]
    assert [float(row["loss"]) for row in rows] == [point.loss for point in points]
    assert {"token_accuracy", "grad_norm", "gpu_power_w"} <= set(rows[0])
    assert rows[0]["mfu"] == ""


def test_tensorboard_files_hold_the_same_numbers(studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 70)
    with zipfile.ZipFile(io.BytesIO(monitoring.metrics_tensorboard(job.id))) as archive:
        names = {name.split("/")[1]: name for name in archive.namelist()}
        assert set(names) == {"train", "validation"}
        found = events(archive.read(names["train"]))[1:]
    points = [point for point in metrics.all_points(job.id) if point.split == "train"]
    assert [event.step for event in found] == [point.step for point in points]
    values = {value.tag: value.simple_value for value in found[-1].summary.value}
    assert values["loss"] == pytest.approx(points[-1].loss)
    assert values["optimizer/learning_rate"] == pytest.approx(points[-1].value("learning_rate"))
    assert not [tag for tag in values if tag.startswith("gpu/")]


def test_a_run_without_points_has_no_event_files(studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    with pytest.raises(Conflict, match="has no metrics yet; it is pending"):
        monitoring.metrics_tensorboard(job.id)
    assert monitoring.metrics_csv(job.id).count(b"\n") == 1  # the names of the columns


def test_a_long_run_is_read_in_pages(studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    with UnitOfWork() as uow:
        metrics.write(uow, job.id, (Point.of("train", step, {"loss": 1.0}) for step in range(1, 26)))
        uow.commit()
    assert [point.step for point in metrics.all_points(job.id, page=10)] == list(range(1, 26))
    assert jobs.get_job(job.id).step == 25
