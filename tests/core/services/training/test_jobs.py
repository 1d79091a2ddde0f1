from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Conflict, DataError, InvalidTransition, NotFound, SettingsError, StorageError
from core.models import base_models
from core.models.methods import presets
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import jobs, starter
from core.services.training.jobs.records import JobRecord
from core.services.training.jobs.speeds import record_speed
from core.training import precision
from tests.support import runs
from tests.support.jobs import begin, finish, launch, make_dataset
from tests.support.random_model import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local:{make_model(tmp_path_factory.mktemp('models') / 'tiny')}"


def test_launch_freezes_the_spec_and_waits_for_the_starter(studio_env: Path) -> None:
    dataset = make_dataset(count=12)
    job = launch(dataset, description="  Knows items. ")
    assert (job.state, job.progress, job.examples, job.description) == ("pending", 0, 12, "Knows items.")
    assert job.spec.dataset_sha256 == dataset.version.sha256
    assert job.spec.training.num_epochs == 100
    assert job.total_steps == 300
    assert job.spec.method_config["rank"] == 16
    waits_for = store.get(store.get(job.task_id).after_task_id or "")
    assert waits_for.kind == "starter"
    assert job.waiting_reason == "Waits for “Build the starter model”."
    assert "cancel" in job.actions
    assert store.get(job.task_id).payload == {"job_id": job.id}


def test_the_engine_is_frozen_with_its_reason_and_asked_for_again_as_it_was(
    studio_env: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    dataset = make_dataset()
    spec = launch(dataset, model).spec
    assert (spec.engine, spec.engine_asked) == ("trl", "auto")
    assert "Unsloth is not used: it needs an NVIDIA GPU" in spec.engine_reason
    named = launch(dataset, model, engine="trl")
    assert (named.spec.engine, named.spec.engine_asked, named.spec.engine_reason) == ("trl", "trl", "chosen by you")
    assert jobs.choices_of(named.id)["engine"] == "trl"
    with pytest.raises(SettingsError, match="NVIDIA GPU"):
        launch(dataset, model, engine="unsloth")
    with pytest.raises(NotFound, match="jax"):
        launch(dataset, model, engine="jax")
    old = spec.model_dump(exclude={"engine_asked", "engine_reason"})
    assert type(spec).model_validate(old).engine_asked == "trl"  # a spec from before there was a choice


def test_a_ready_base_is_not_waited_for(studio_env: Path, model: str) -> None:
    job = launch(make_dataset(), model)
    assert store.get(job.task_id).after_task_id is None
    assert job.base_title == "tiny"
    assert job.spec.training.learning_rate == 2e-3  # as the starter, which is of the same size


@pytest.mark.parametrize("draft_key", ["draft_1"])
def test_two_browsers_launch_one_job(database: str, model: str, draft_key: str) -> None:
    """The launches start together and meet in the database, on both of them."""
    dataset = make_dataset()
    barrier = threading.Barrier(4)
    found: list[JobRecord] = []
    failed: list[BaseException] = []

    def press() -> None:
        barrier.wait()
        try:
            found.append(launch(dataset, model, draft_key=draft_key))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len({job.id for job in found}) == 1
    assert len(jobs.list_jobs()) == 1
    assert len(tasks.list_tasks(kind="training")) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_a_launch_and_a_delete_never_both_succeed(database: str, model: str, attempt: int) -> None:
    dataset = make_dataset()
    start = threading.Barrier(2)
    won: list[str] = []

    def act(what: str, action: Callable[[], object]) -> None:
        start.wait()
        with contextlib.suppress(Conflict, NotFound, StorageError):  # said in words, whichever comes too late
            action()
            won.append(what)

    acts = {"launch": lambda: launch(dataset, model), "delete": lambda: datasets.delete(dataset.id, dataset.name)}
    both = [threading.Thread(target=act, args=item) for item in acts.items()]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(won) == 1, won


def test_without_a_draft_each_launch_is_a_job(studio_env: Path, model: str) -> None:
    dataset = make_dataset()
    assert launch(dataset, model).id != launch(dataset, model).id


def test_what_cannot_work_is_refused_before_anything_is_written(studio_env: Path, model: str) -> None:
    dataset = make_dataset()
    with pytest.raises(NotFound, match="Unknown fine-tuning method"):
        jobs.forecast(dataset.id, model, "telepathy")
    with pytest.raises(SettingsError, match=r"rank must be a whole number .* got 9999"):
        launch(dataset, model, method_config={"rank": 9999})
    with pytest.raises(SettingsError, match=r"num_epochs must be .* got 0"):
        launch(dataset, model, training={"num_epochs": 0})
    with pytest.raises(DataError, match="hf download"):
        launch(dataset, "mistral")
    with pytest.raises(NotFound):
        jobs.create(name="x", dataset_id="ds_none", base_model=model, method="lora", draft_key=None)
    assert jobs.list_jobs() == []
    assert tasks.list_tasks(kind="training") == []


@pytest.mark.parametrize("setting", [{"early_stopping_patience": 3}, {"keep_best": True}])
def test_what_looks_at_the_validation_loss_needs_one(studio_env: Path, model: str, setting: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="has no validation examples") as refused:
        launch(make_dataset(), model, training=setting)
    assert next(iter(setting)) in refused.value.remedy
    assert launch(make_dataset("Held out", validation=3), model, training=setting).state == "pending"


def test_settings_that_leave_nothing_to_resume_are_said_before_launch_and_kept(studio_env: Path, model: str) -> None:
    dataset = make_dataset()
    found = jobs.forecast(dataset.id, model, "lora", training={"save_every_steps": 10_000})
    (warning,) = [warning for warning in found.warnings if "nothing can be resumed" in warning]
    job = launch(dataset, model, training={"save_every_steps": 10_000})
    assert warning in job.forecast["warnings"]
    assert not [w for w in jobs.forecast(dataset.id, model, "lora").warnings if "resume" in w]


def test_the_best_checkpoint_takes_room_of_its_own(studio_env: Path, model: str) -> None:
    dataset = make_dataset(validation=3)
    plain, best = (jobs.forecast(dataset.id, model, "lora", training={"keep_best": on}).disk for on in (False, True))
    assert best.peak_bytes - plain.peak_bytes == plain.checkpoint_bytes


def test_how_many_examples_at_once_are_fastest_is_tried_once_and_remembered(
    studio_env: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "TINY_BELOW", 0)  # its defaults as for a larger model
    dataset = make_dataset(count=12)
    first = launch(dataset, model).spec
    assert first.training.batch_sizes == (2, 4, 8)
    assert "up to 8" in first.training_sources["per_device_batch_size"]
    with UnitOfWork() as uow:
        record_speed(uow, first, {"tokens_per_s": 500.0, "tokens": 1_000, "total_seconds": 9.0, "examples_at_once": 4})
        uow.commit()
    second = launch(dataset, model).spec
    assert second.training.batch_sizes == (4,)
    assert second.training.effective_batch_size == first.training.effective_batch_size == 8
    assert second.training_sources["per_device_batch_size"].startswith("measured on this machine")
    assert jobs.forecast(dataset.id, model, "lora").time.expected_s is not None, "its speed is known, too"
    chosen = launch(dataset, model, training={"per_device_batch_size": 2, "gradient_accumulation_steps": 4}).spec
    assert chosen.training.batch_sizes == (2,)


def test_a_dataset_with_errors_is_refused(studio_env: Path, model: str) -> None:
    from tests.support.jobs import example

    bad = datasets.create_dataset("Too few", [example(1)])
    assert bad.state == "failed"
    with pytest.raises(Conflict, match="has errors"):
        launch(bad, model)


def test_answers_that_would_all_be_cut_off_are_refused(studio_env: Path, model: str) -> None:
    from core.messages import Example, Message

    long = [Example((Message("user", f"{n} " * 100), Message("assistant", "ok"))) for n in range(10, 30)]
    dataset = datasets.create_dataset("Long", long)
    forecast = jobs.forecast(dataset.id, model, "lora", training={"max_seq_length": 64})
    assert forecast.answers_lost == forecast.over_length == 20
    assert any("entire output" in warning for warning in forecast.warnings)
    with pytest.raises(DataError, match="every example would lose"):
        launch(dataset, model, training={"max_seq_length": 64})
    with pytest.raises(DataError, match="Every example is longer"):
        launch(dataset, model, training={"max_seq_length": 64, "over_length": "drop"})
    with pytest.raises(DataError, match="20 examples are longer than 64 tokens") as caught:
        launch(dataset, model, training={"max_seq_length": 64, "over_length": "stop"})
    assert f"{forecast.lengths.longest:,} or more" in caught.value.remedy
    everywhere = {"max_seq_length": 64, "completion_only_loss": False}  # the inputs are learned, so nothing is left out
    assert jobs.forecast(dataset.id, model, "lora", training=everywhere).answers_lost == 0
    assert launch(dataset, model, training=everywhere).state == "pending"
    assert launch(dataset, model, training={"over_length": "stop"}).spec.training.over_length == "stop"


def test_examples_beyond_what_the_base_can_read_are_refused(studio_env: Path, model: str) -> None:
    from core.messages import Example, Message

    base = base_models.resolve(model)
    assert base.dims is not None
    most = base.dims.max_position_embeddings
    short = [Example((Message("user", f"{n}"), Message("assistant", "ok"))) for n in range(10, 30)]
    long = [Example((Message("user", "Say it"), Message("assistant", "go " * most)))]
    dataset, other = datasets.create_dataset("Mixed", short + long), datasets.create_dataset("Short", short)
    longer = {"max_seq_length": 8 * most}
    with pytest.raises(
        SettingsError, match=rf"= {8 * most:,} is more than the context length of .* \({most:,} tokens\), and 1 "
    ) as caught:
        launch(dataset, model, training=longer)
    assert f"{most:,} or less" in caught.value.remedy
    assert launch(dataset, model, training={"max_seq_length": most}).state == "pending"  # cut off, and said
    assert launch(other, model, training=longer).state == "pending"  # no example needs it


def test_forecast_counts_tokens_exactly_where_the_base_is_here(studio_env: Path, model: str) -> None:
    dataset = make_dataset(count=20)
    exact = jobs.forecast(dataset.id, model, "lora")
    assert exact.lengths.exact
    assert (
        exact.lengths.total_tokens
        == sum(3 + len(message.content) for e in datasets.iter_examples(dataset.version.id) for message in e.messages)
        - 20 * 2
    )  # one token per byte; two markers and an end per turn, minus what the template leaves out
    estimated = jobs.forecast(dataset.id, "starter", "lora")
    assert not estimated.lengths.exact
    assert estimated.training.max_seq_length >= exact.lengths.longest  # one token per byte is the most there can be
    assert exact.time.low_s is None
    assert "Not measured" in exact.time.text
    assert {row.target for row in exact.serving if row.ok} == {
        "SFT Studio",
        "Ollama",
        "vLLM",
        "llama.cpp (this studio)",
        "llama-server",
    }
    assert [row.target for row in exact.serving if row.works_here] == ["SFT Studio"]
    again = jobs.forecast(dataset.id, model, "lora")
    assert again.lengths == exact.lengths  # from beside the version this time


def test_calibration_is_one_task_per_question(studio_env: Path, model: str) -> None:
    dataset = make_dataset()
    first, second = (jobs.calibrate(dataset.id, model, "lora") for _ in range(2))
    assert first.id == second.id
    assert first.payload["key"] == jobs.forecast(dataset.id, model, "lora").calibration_key
    assert jobs.calibrate(dataset.id, model, "lora", {"rank": 8}).id != first.id


def test_the_forecast_follows_the_precision(studio_env: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, about = make_dataset(), ("A processor", frozenset({"avx512_bf16"}))
    monkeypatch.setattr(precision, "processor", lambda: ("Another processor", frozenset({"avx2"})))
    plain = jobs.forecast(dataset.id, model, "lora")
    monkeypatch.setattr(precision, "processor", lambda: about)
    open_question = jobs.forecast(dataset.id, model, "lora")
    assert (open_question.precision.label, open_question.precision.settled) == ("fp32 or bf16", False)
    assert open_question.memory.low <= plain.memory.low < plain.memory.high < open_question.memory.high
    precision.keep(base_models.resolve(model).revision, "frozen", precision.PrecisionGain(1.6, "steps"))
    half = jobs.forecast(dataset.id, model, "lora")
    assert half.precision.precision == "bf16"
    assert dict(half.memory.parts)["weights"] < dict(plain.memory.parts)["weights"]
    assert half.calibration_key != plain.calibration_key == open_question.calibration_key
    job = launch(dataset, model)
    assert job.spec.training.precision == "auto"  # the worker settles it
    assert job.precision == ("bf16", half.precision.reason)
    monkeypatch.setattr(precision, "processor", lambda: ("Another processor", frozenset({"avx2"})))
    asked = jobs.forecast(dataset.id, model, "lora", training={"precision": "bf16"})
    assert asked.precision.warning in asked.warnings
    assert asked.calibration_key == half.calibration_key


def test_actions_reach_the_task(studio_env: Path, model: str) -> None:
    job = launch(make_dataset(), model)
    context = begin(job)
    running = jobs.request(job.id, "pause")
    assert (running.state, running.command) == ("running", "pause")
    assert context.signal() == "pause"
    with pytest.raises(InvalidTransition):
        jobs.request(job.id, "retry")
    assert jobs.request(launch(make_dataset("Other"), model).id, "cancel").state == "cancelled"


def test_what_needs_a_deleted_dataset_is_not_offered_and_refused_in_words(studio_env: Path, model: str) -> None:
    data = make_dataset()
    job = jobs.request(launch(data, model).id, "cancel")
    assert "retry" in job.actions
    datasets.delete(data.id, data.name)
    gone = jobs.get_job(job.id)
    assert (gone.dataset_deleted, gone.actions) == (True, ())
    for action in ("retry", "keep"):
        with pytest.raises(InvalidTransition, match=f"The dataset “{data.name}” was deleted"):
            jobs.request(job.id, action)
    assert jobs.get_job(job.id).state == "cancelled"


def test_running_again_with_changes_names_the_parent(studio_env: Path, model: str) -> None:
    parent = launch(make_dataset(), model, method_config={"rank": 8}, training={"num_epochs": 2})
    choices = jobs.choices_of(parent.id)
    changed = choices | {"name": "Again", "training": choices["training"] | {"learning_rate": 1e-4}}
    child = jobs.create(**changed, parent_job_id=parent.id, draft_key=None)
    assert child.parent_job_id == child.spec.parent_job_id == parent.id
    assert (child.spec.training.num_epochs, child.spec.training.learning_rate) == (2, 1e-4)
    assert child.spec.method_config["rank"] == 8


@pytest.mark.parametrize(("method", "config"), [("lora", {"dropout": 0.1}), ("full", {})])
def test_starting_over_keeps_the_settings_of_the_method_unless_it_changes(
    studio_env: Path, model: str, method: str, config: dict[str, float]
) -> None:
    job = launch(make_dataset(), model, method=method, method_config=config, training={"num_epochs": 2})
    runs.fail(begin(job), "Memory ran out.", "")
    again = jobs.started_over(job.id)
    assert again["training"]["num_epochs"] == 2
    assert again["method"] == "lora"
    assert again["method_config"].get("dropout") == config.get("dropout")
    assert method == "lora" or again["method_config"] == {}


def test_jobs_are_filtered_and_named(studio_env: Path, model: str) -> None:
    dataset = make_dataset()
    first = launch(dataset, model, name=jobs.suggest_name(dataset.id, model))
    assert first.name == "Items - tiny - v1"
    assert jobs.suggest_name(dataset.id, model) == "Items - tiny - v2"
    long = jobs.suggest_name(make_dataset(name="x" * 120).id, model)
    assert len(long) <= jobs.SUGGESTED_NAME
    assert long.endswith("x… - tiny - v1")
    other = launch(dataset, "starter", name="100% other_name")
    assert [job.id for job in jobs.list_jobs()] == [other.id, first.id]
    assert [job.id for job in jobs.list_jobs(state="pending")] == [other.id, first.id]
    assert jobs.list_jobs(state="running") == []
    with pytest.raises(SettingsError, match="Unknown state 'done'") as caught:
        jobs.list_jobs(state="done")
    assert "succeeded" in caught.value.remedy
    with pytest.raises(NotFound):
        jobs.get_job("job_none")


def test_a_poll_reads_with_few_queries(studio_env: Path, model: str) -> None:
    from sqlalchemy import event

    from core.platform.db.engine import get_engine

    dataset = make_dataset()
    for number in range(5):
        begin(launch(dataset, model, name=f"Job {number}"), owner=f"test:{number}")
    asked: list[str] = []
    event.listen(get_engine(), "before_cursor_execute", lambda *args: asked.append(args[2]))
    jobs.list_jobs()
    assert len([query for query in asked if query.startswith("SELECT")]) <= 3, asked


def test_the_starter_is_ensured_once_and_again_when_its_files_are_gone(studio_env: Path) -> None:
    first = starter.ensure()
    second = starter.ensure()
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert starter.status().building
    finish(first.id)  # succeeded, yet nothing lies on the disk
    assert not starter.status().ready
    third = starter.ensure()
    assert third is not None
    assert third.id != first.id


def test_after_the_template_is_edited_preview_and_forecast_follow_and_a_launched_job_is_stopped(
    studio_env: Path, tmp_path: Path
) -> None:
    from core.errors import TrainingError
    from core.services.data import render_preview
    from worker.training.job import _base_path

    directory = make_model(tmp_path / "edited")
    base = f"local:{directory}"
    dataset = make_dataset()
    job = launch(dataset, base)
    before = jobs.forecast(dataset.id, base, "lora").lengths.total_tokens
    assert _base_path(job.spec) == directory

    template = directory / "chat_template.jinja"
    template.write_text("Longer than before." + template.read_text())
    assert render_preview.preview(dataset.version.id, 0, base).text.startswith("Longer than before.")
    assert jobs.forecast(dataset.id, base, "lora").lengths.total_tokens >= before + 19 * dataset.version.train_examples
    with pytest.raises(TrainingError, match="changed since this job was launched"):
        _base_path(job.spec)
