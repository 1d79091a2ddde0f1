"""Jobs through the worker's entry point, on a tiny base: points, events, one model, and every way of stopping."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.messages import Example, Message
from core.platform.db.tables import Calibration, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.lease import Lease
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.platform import tasks
from core.services.serving import evaluating
from core.services.serving.evaluating import testing
from core.services.training import jobs, metrics, models, monitoring
from core.services.training.jobs import first_batch
from core.services.training.jobs.records import JobRecord
from core.settings import get_settings
from tests.support import tiny
from tests.support.random_model import refuse_system
from worker.run import execute

CHOICES = {
    "num_epochs": 6,
    "per_device_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "learning_rate": 5e-3,
    "eval_every_steps": 3,
    "save_every_steps": 4,
    "sample_answers": 0,
}
LOSSES = list[tuple[str, int, float]]


@pytest.fixture
def base(studio_env: Path, tiny_base: Path) -> str:
    return f"local:{tiny_base}"


def launch(base: str, method: str = "lora", **changes: object) -> JobRecord:
    """A job on the tiny lesson: 10 examples to learn, 3 to validate on, in batches of 4: 18 steps."""
    lesson = tiny.examples(0)
    dataset = next(iter(datasets.list_datasets()), None) or datasets.create_dataset("Gate", lesson, lesson[:3])
    return jobs.create(
        name="", dataset_id=dataset.id, base_model=base, method=method, draft_key=None, training=CHOICES | changes
    )


def work(job: JobRecord, *, when: Callable[[], bool] | None = None, then: Callable[[], object] = object) -> TaskRecord:
    """Run the job in this process; a second thread waits for `when` and does `then`."""
    done = threading.Event()

    def other() -> None:
        while when and not done.wait(0.01):
            if when():
                then()
                return

    person = threading.Thread(target=other)
    person.start()
    try:
        ended = execute(job.task_id, "test:1")
    finally:
        done.set()
        person.join()
    assert ended is not None
    assert ended.state != "failed", (ended.error, tasks.log_tail(job.task_id))
    return ended


def losses(job: JobRecord) -> LOSSES:
    return sorted((point.split, point.step, point.loss) for point in metrics.since(job.id))


def seen_steps(job: JobRecord, wanted: int) -> Callable[[], bool]:
    return lambda: len([p for p in metrics.since(job.id) if p.split == "train"]) >= wanted


@pytest.mark.usefixtures("every_evaluation_is_answered")
def test_a_job_measures_every_step_and_registers_one_model(base: str) -> None:
    job = launch(base, sample_answers=1, eval_every_steps=9)
    assert work(job).state == "succeeded"
    job = jobs.get_job(job.id)
    (prompt,) = monitoring.sample_answers(job.id)
    assert (prompt.split, [answer.step for answer in prompt.answers]) == ("validation", [0, 9, 18])
    train = [step for split, step, _ in losses(job) if split == "train"]
    assert train == list(range(1, 19))
    assert [step for split, step, _ in losses(job) if split == "validation"][-1] == 18
    assert losses(job)[17][2] < losses(job)[0][2] / 2
    (model,) = models.list_models()
    assert model.job_id == job.id
    assert model.final_loss == losses(job)[17][2]
    smoke = model.manifest["smoke_test"]
    assert smoke["question"] == tiny.PAIRS[0][0]
    assert model.manifest["versions"]["trl"]
    assert job.measured["steps"] == 18
    found = monitoring.example_losses(model.id)
    assert found is not None
    assert (found.measured, found.examples) == (13, 13)
    assert job.measured["tokens"] == metrics.since(job.id)[-1].tokens
    kinds = {event.kind for event in tasks.events(job.task_id)}
    assert {"checkpoint", "evaluation", "state"} <= kinds
    read_first = first_batch.first_batch(job.id)
    assert read_first is not None
    assert (read_first.examples, read_first.left_out) == (4, 0)
    assert read_first.summary in {event.message for event in tasks.events(job.task_id)}
    assert jobs.forecast(job.dataset_id, base, "lora", training=CHOICES).lengths.exact


@pytest.mark.parametrize("method", ["lora", pytest.param("full", marks=pytest.mark.slow)])
def test_a_paused_job_resumes_with_the_losses_of_an_uninterrupted_one(base: str, method: str) -> None:
    # long enough that the pause, which the run looks for twice a second, comes in the middle
    whole, parts = launch(base, method, num_epochs=100), launch(base, method, num_epochs=100)
    work(whole)
    paused = work(parts, when=seen_steps(parts, 5), then=lambda: jobs.request(parts.id, "pause"))
    assert paused.state == "paused"
    assert len(losses(parts)) < len(losses(whole))
    jobs.request(parts.id, "resume")
    assert work(parts).state == "succeeded"
    known = {(split, step): loss for split, step, loss in losses(parts)}  # and the validation at the pause
    assert all(known[split, step] == loss for split, step, loss in losses(whole))
    assert "recovery" in {event.kind for event in tasks.events(parts.task_id)}


def test_points_after_the_checkpoint_are_replaced(base: str) -> None:
    """A run that died after step 7 with its last checkpoint at step 4 computes 5 to 7 again."""

    class Killed(BaseException):
        pass

    def die(point: object) -> None:
        if getattr(point, "step", 0) == 7:
            raise Killed

    whole, parts = launch(base), launch(base)
    work(whole)
    from worker.training import job as module

    original = module.Reporter.on_point

    def until_seven(self: module.Reporter, point: module.Point) -> None:
        original(self, point)
        self.flush()
        die(point)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Reporter, "on_point", until_seven)
        with pytest.raises(Killed):
            execute(parts.task_id, "test:1")
    assert [step for split, step, _ in losses(parts) if split == "train"] == list(range(1, 8))
    from core.platform.tasks import recovery

    recovery.after_death(parts.task_id, "test:1", "killed")  # what the parent of a dead work process does
    assert work(parts).state == "succeeded"
    assert losses(parts) == losses(whole)


def test_a_missing_engine_is_replaced_if_auto_chose_it_and_fails_if_it_was_named(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen_elsewhere(asked: str) -> JobRecord:
        job = launch(base, num_epochs=1)
        with UnitOfWork() as uow:
            row = uow.session.get_one(FineTuningJob, job.id)
            row.spec = {**row.spec, "engine": "unsloth", "engine_asked": asked}
            uow.commit()
        return job

    monkeypatch.setenv("SFT_DEVICE", "cpu")
    given_way = frozen_elsewhere("auto")
    assert work(given_way).state == "succeeded"
    said = [event.message for event in tasks.events(given_way.task_id) if event.kind == "engine"]
    assert [("NVIDIA GPU" in text, "TRL is used" in text) for text in said] == [(True, True)]
    asked_for = frozen_elsewhere("unsloth")
    failed = execute(asked_for.task_id, "test:1")
    assert failed is not None
    assert failed.state == "failed"
    assert "NVIDIA GPU" in failed.error["message"]
    assert "auto" in failed.error["remedy"]


def test_stop_creates_the_model(base: str) -> None:
    job = launch(base, num_epochs=200)
    ended = work(job, when=seen_steps(job, 3), then=lambda: jobs.request(job.id, "stop"))
    assert (ended.state, ended.reason) == ("succeeded", "stopped_early")
    (model,) = models.list_models()
    assert model.manifest["stopped_early"] is True


def test_cancel_creates_no_model_and_retry_resumes_from_the_checkpoint(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = launch(base, num_epochs=100)
    ended = work(job, when=seen_steps(job, 3), then=lambda: jobs.request(job.id, "cancel"))
    assert ended.state == "cancelled"
    assert models.list_models() == []
    reached = len([1 for split, _, _ in losses(job) if split == "train"])
    jobs.request(job.id, "retry")
    shown: list[float] = []
    write = Lease.write

    def noted(lease: Lease, **values: Any) -> None:
        shown.append(float(values.get("progress", 100)))
        write(lease, **values)

    monkeypatch.setattr(Lease, "write", noted)
    assert work(job).state == "succeeded"
    assert min(shown) == pytest.approx(20 + 75 * reached / job.total_steps)  # the bar stays where it was
    assert f"step {reached:,}." in " ".join(e.message for e in tasks.events(job.task_id) if e.kind == "recovery")


def test_a_job_whose_dataset_was_deleted_fails(base: str) -> None:
    job = launch(base)
    tasks.request(job.task_id, "cancel")
    name = datasets.get_dataset(job.dataset_id).name
    datasets.delete(job.dataset_id, name)
    tasks.request(job.task_id, "retry")
    execute(job.task_id, "worker:1")
    failed = jobs.get_job(job.id)
    assert (failed.state, failed.reason) == ("failed", "data")
    assert failed.error["message"].startswith(f"The dataset “{name}” was deleted")


def test_a_stopped_worker_releases_the_job(base: str) -> None:
    job = launch(base, num_epochs=100)
    shutdown = threading.Event()

    def soon() -> None:
        while not seen_steps(job, 3)():
            time.sleep(0.01)
        shutdown.set()

    thread = threading.Thread(target=soon)
    thread.start()
    execute(job.task_id, "test:1", shutdown=shutdown)
    thread.join()
    task = store.get(job.task_id)
    assert (task.state, task.lease_owner) == ("running", None)
    assert task.waits_to_resume


def test_a_worker_stopped_before_the_first_step_releases_the_job(base: str) -> None:
    job = launch(base)
    shutdown = threading.Event()
    shutdown.set()
    execute(job.task_id, "test:1", shutdown=shutdown)
    task = store.get(job.task_id)
    assert (task.state, task.lease_owner, losses(job)) == ("validating", None, [])
    assert work(job).state == "succeeded"


def test_examples_that_lose_their_answer_are_counted_in_an_event(base: str) -> None:
    long = Example((Message("user", "word " * 300), Message("assistant", "Yes.")))
    dataset = datasets.create_dataset("Long", [*tiny.examples(0), long])
    job = jobs.create(
        name="", dataset_id=dataset.id, base_model=base, method="lora", draft_key=None,
        training=CHOICES | {"num_epochs": 1, "max_seq_length": 64},
    )  # fmt: skip
    assert work(job).state == "succeeded"
    assert any("1 examples were left out" in event.message for event in tasks.events(job.task_id))


@pytest.mark.parametrize(("policy", "refused"), [("leave_out", 2), ("merge_system", 0)])
def test_a_run_goes_on_past_examples_that_the_chat_template_refuses(
    base: str, tmp_path: Path, policy: str, refused: int
) -> None:
    strict = refuse_system(shutil.copytree(base.removeprefix("local:"), tmp_path / "strict"))
    lesson = tiny.examples(0)
    system = [Example((Message("system", "Be brief."), *example.messages)) for example in lesson[:2]]
    dataset = datasets.create_dataset("Strict", [*system, *lesson[2:]])
    job = jobs.create(
        name="", dataset_id=dataset.id, base_model=f"local:{strict}", method="lora", draft_key=None,
        training=CHOICES | {"num_epochs": 1, "sample_answers": 2, "on_refusal": policy},
    )  # fmt: skip
    assert work(job).state == "succeeded"
    (model,) = models.list_models()
    assert model.manifest["measured"]["refused"] == refused
    said = [event.message for event in tasks.events(job.task_id)]
    assert any("2 examples were left out" in text for text in said) is bool(refused)
    first = lesson[2].messages[0].content if refused else f"Be brief.\n\n{lesson[0].messages[0].content}"
    assert model.manifest["smoke_test"]["question"] == first
    begun = testing.start(model.id)
    execute(begun.task_id, "test:1")
    summary = evaluating.get(begun.id).summary
    assert summary is not None
    assert (summary.models[0].answered, summary.models[0].failed) == (len(lesson) - refused, refused)


def test_both_models_answer_the_test_split_and_nothing_else(base: str) -> None:
    asked = [
        Example((Message("user", f"Is gate {n} open?"), Message("assistant", '{"open": true}')), f"part {n % 2}")
        for n in range(5)
    ]
    dataset = datasets.create_dataset("With a test split", tiny.examples(), test=asked)
    job = jobs.create(name="", dataset_id=dataset.id, base_model=base, method="lora", draft_key=None, training=CHOICES)
    work(job)
    (model,) = models.list_models()
    begun = testing.start(model.id)
    ended = execute(begun.task_id, "test:1")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    report = evaluating.report(evaluating.get(begun.id))
    assert [part.part for part in report] == ["part 0", "part 1"]
    questions = [question.asked for part in report for question in part.questions]
    assert {(item.split, item.question) for item in questions} == {
        ("test", example.messages[0].content) for example in asked
    }
    score, *_ = models.scores(model)
    assert (score.title, score.tuned.total) == ("Test split: All fields right", 5)
    assert score.base is not None


def test_a_calibration_writes_what_the_forecast_reads(base: str) -> None:
    job, choices = launch(base), CHOICES | {"sample_answers": 2}
    task = jobs.calibrate(job.dataset_id, base, "lora", training=choices)
    assert task is not None
    ended = execute(task.id, "test:1")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    with UnitOfWork(write=False) as uow:
        row = uow.session.exec(select(Calibration)).one()
        assert row.key == task.payload["key"]
        assert row.tokens_per_s > 0
        assert row.overhead_s > 0
        assert row.details["steps"] == 7
        speed = row.details["answer_speed"]
    assert min(speed.values()) > 0
    samples = dict(jobs.forecast(job.dataset_id, base, "lora", training=choices).time.parts)["sample answers"]
    with UnitOfWork() as uow:
        (row,) = uow.session.exec(select(Calibration))
        row.details = {**row.details, "answer_speed": {name: 10 * seconds for name, seconds in speed.items()}}
        uow.session.add(row)
        uow.commit()
    slower = dict(jobs.forecast(job.dataset_id, base, "lora", training=choices).time.parts)["sample answers"]
    assert slower == pytest.approx(10 * samples)


def test_a_run_records_how_fast_it_answered_for_the_next_forecast(base: str) -> None:
    job = launch(base, sample_answers=2)
    work(job)
    with UnitOfWork(write=False) as uow:
        (row,) = uow.session.exec(select(Calibration))
        assert min(row.details["answer_speed"].values()) > 0


def test_the_last_checkpoint_of_a_cancelled_job_can_become_its_model(base: str) -> None:
    job = launch(base, num_epochs=200)
    assert work(job, when=seen_steps(job, 3), then=lambda: jobs.request(job.id, "cancel")).state == "cancelled"
    cancelled = jobs.get_job(job.id)
    assert cancelled.checkpoint_step >= 3
    assert "keep" in cancelled.actions
    jobs.request(job.id, "keep")
    ended = work(job)
    assert (ended.state, ended.reason, ended.attempt) == ("succeeded", "stopped_early", 1)
    (model,) = models.list_models()
    assert model.manifest["kept_step"] == cancelled.checkpoint_step
    assert model.manifest["smoke_test"]["question"] == tiny.PAIRS[0][0]
    known = {step: loss for split, step, loss in losses(job) if split == "train"}
    assert model.final_loss == known[cancelled.checkpoint_step]
    assert max(known) == cancelled.checkpoint_step, "no further step was made"
    assert "keep" not in jobs.get_job(job.id).actions


def test_a_job_with_damaged_checkpoints_has_nothing_to_keep(base: str) -> None:
    job = launch(base, num_epochs=100)
    work(job, when=seen_steps(job, 3), then=lambda: jobs.request(job.id, "pause"))
    for weights in (get_settings().data_dir / "work" / job.task_id).rglob("trainable.safetensors"):
        weights.write_bytes(b"damaged")
    jobs.request(job.id, "keep")
    ended = execute(job.task_id, "test:1")
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "storage")
    assert "no intact checkpoint" in ended.error["message"]
    jobs.request(job.id, "retry")  # it starts over, with an event

    def said() -> bool:
        return any("the run starts over" in event.message for event in tasks.events(job.task_id))

    assert work(job, when=said, then=lambda: jobs.request(job.id, "cancel")).state == "cancelled"
    assert said()


def test_a_diverged_job_has_its_last_good_checkpoint(base: str) -> None:
    """The learning rate is too high for the model, but nothing becomes NaN."""
    job = launch(base, "full", num_epochs=30)
    spec = job.spec.model_dump(mode="json")
    spec["training"] |= {
        "learning_rate": 2.0,
        "warmup_ratio": 1.0,
        "max_grad_norm": 100.0,
        "lr_scheduler_type": "constant_with_warmup",
    }
    with UnitOfWork() as uow:  # beyond what a form takes
        row = uow.session.get(FineTuningJob, job.id)
        assert row is not None
        row.spec = spec
        uow.session.add(row)
        uow.commit()
    ended = execute(job.task_id, "test:1")
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "diverged")
    assert "diverged" in ended.error["message"]
    failed = jobs.get_job(job.id)
    known = {step: loss for split, step, loss in losses(job) if split == "train"}
    assert max(known) == failed.step, "the curve shows where it went"
    # Near where it began, and far from where it went: one step's loss scatters, in another way on each processor.
    assert known[failed.checkpoint_step] < 1.5 * known[1] < known[failed.step]
    (change,) = jobs.remedies(failed)
    assert (change.setting, change.now, change.suggested) == ("learning_rate", 2.0, 0.2)
    jobs.request(job.id, "keep")
    assert work(job).state == "succeeded"
    (model,) = models.list_models()
    assert model.manifest["kept_step"] == failed.checkpoint_step


def test_early_stopping_and_the_best_checkpoint_are_reported(base: str) -> None:
    job = launch(base, num_epochs=40, keep_best=True, early_stopping_patience=1, early_stopping_min_improvement=9.0)
    ended = work(job)
    assert (ended.state, ended.reason) == ("succeeded", "stopped_early")
    said = " ".join(event.message for event in tasks.events(job.task_id) if event.kind == "evaluation")
    assert "Early stopping at step" in said
    assert "The model is from" in said
    measured = jobs.get_job(job.id).measured
    (model,) = models.list_models()
    assert model.manifest["kept_step"] == measured["kept_step"] <= measured["steps"]


@pytest.mark.parametrize("where", ["checkpoints", "model"])
def test_a_full_disk_ends_the_job_and_retry_resumes(base: str, where: str) -> None:
    """The disk of the runs is too small for the checkpoints; then space is freed."""
    from tests.support.disk import small_disk

    job = launch(base, num_epochs=6, save_every_steps=4 if where == "checkpoints" else 18)
    room = 700_000 if where == "checkpoints" else 600_000
    with small_disk(get_settings().data_dir / "work", room) as disk:
        ended = execute(job.task_id, "test:1")
        assert ended is not None
        assert (ended.state, ended.reason) == ("failed", "storage"), ended.error
        assert ("checkpoint of step" if where == "checkpoints" else "model could not") in ended.error["message"]
        assert "space" in ended.error["remedy"]
        disk.free()
        jobs.request(job.id, "retry")
        assert work(job).state == "succeeded"


def test_out_of_memory_is_reported_with_what_would_help(base: str, tmp_path: Path) -> None:
    """A real memory limit of the kernel on a real work process, and one answer among 64 that does not fit."""
    reads_far = Path(shutil.copytree(base.removeprefix("local:"), tmp_path / "base"))
    config = json.loads((reads_far / "config.json").read_text())
    (reads_far / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 65_536}))
    base = f"local:{reads_far}"
    long = [
        Example((Message("user", f"{number}?"), Message("assistant", "Yes, of course. " * (1 if number else 4_000))))
        for number in range(64)
    ]
    dataset = datasets.create_dataset("Long", long)
    job = jobs.create(
        name="", dataset_id=dataset.id, base_model=base, method="lora", draft_key=None,
        training={"num_epochs": 1, "per_device_batch_size": 64, "max_seq_length": 65_536},
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.support.limited", job.task_id, str(120 << 20)]
    subprocess.run(command, check=True, timeout=200)
    failed = jobs.get_job(job.id)
    assert (failed.state, failed.reason) == ("failed", "out_of_memory"), tasks.log_tail(job.task_id)
    assert failed.error["message"].startswith("Memory ran out")
    assert "set the batch size to 32 (now 64)" in failed.error["remedy"]
    changed = {change.setting: change.suggested for change in jobs.remedies(failed)}
    assert changed["per_device_batch_size"] == 32
    assert changed["max_seq_length"] == 32_768
    again = jobs.started_over(job.id)
    assert again["training"]["per_device_batch_size"] == 32
    mended = jobs.create(**{**again, "name": ""}, draft_key=None, parent_job_id=job.id)
    assert mended.parent_job_id == job.id
    assert mended.spec.training.effective_batch_size == 64, "it learns from as many examples at a step as before"
