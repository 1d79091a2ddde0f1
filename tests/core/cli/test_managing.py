"""The subcommands that rename, archive, restore, delete and act; the options of a run; completion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.cli._support.completing import complete
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import jobs, models
from tests.support import runs
from tests.support.jobs import launch, make_dataset, succeed

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def test_a_dataset_is_renamed_archived_restored_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_dataset()
    assert main(["datasets", "rename", "Items", "Things"]) == 0
    assert capsys.readouterr().out == "Things\n"
    assert main(["datasets", "archive", "Things"]) == 0
    assert main(["datasets", "--json"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["datasets", "--archived", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["archived"] is True
    assert main(["datasets", "restore", dataset.id]) == 0
    assert main(["datasets", "delete", "Things"]) == 1
    assert "Add --yes." in capsys.readouterr().err
    assert main(["datasets", "delete", "Things", "--yes"]) == 0
    assert "Nothing depends on it." in capsys.readouterr().err
    assert datasets.list_datasets(include_archived=True) == []


def test_deleting_names_what_depends_on_it(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = succeed(launch(make_dataset()), adapter)
    assert main(["jobs", "delete", "Items - v1", "--yes"]) == 0
    assert f"1 model ({model.name})" in capsys.readouterr().err
    assert models.get_model(model.id).job_deleted
    assert main(["models", "rename", model.id, "Kept"]) == 0
    assert main(["models", "archive", "Kept"]) == 0
    assert main(["models", "delete", "Kept", "--yes"]) == 0
    assert models.list_models(include_archived=True) == []


def test_a_job_is_cancelled_retried_and_archived(capsys: pytest.CaptureFixture[str]) -> None:
    job = runs.launch(runs.dataset(), "Support v1")
    assert main(["jobs", "archive", job.id]) == 1
    assert "has not ended" in capsys.readouterr().err
    assert main(["jobs", "cancel", "Support v1"]) == 0
    assert capsys.readouterr().out == f"{job.id}  cancelled\n"
    assert main(["jobs", "archive", job.id]) == 0
    assert jobs.get_job(job.id).archived_at is not None
    assert main(["jobs", "restore", job.id]) == 0
    capsys.readouterr()
    assert main(["jobs", "retry", job.id]) == 0
    assert jobs.get_job(job.id).state == "pending"
    assert "no training worker is running" in capsys.readouterr().err
    assert main(["jobs", "stop", job.id]) == 1
    assert main(["jobs", "pause", "no such job"]) == 1


def test_tasks_are_listed_and_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    job = runs.launch(runs.dataset(), "Support v1")
    assert main(["tasks", "--kind", "training", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["task"], listed["state"]) == (job.task_id, "pending")
    assert main(["tasks", "cancel", job.task_id]) == 0
    assert tasks.get_task(job.task_id).state == "cancelled"
    assert main(["tasks", "archive", job.task_id]) == 0
    assert main(["tasks", "--archived"]) == 0
    assert job.task_id in capsys.readouterr().out


def test_settings_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    make_dataset()
    options = ["--epochs", "3", "--learning-rate", "0.001", "--batch-size", "4", "--rank", "4", "--rslora"]
    assert main(["train", "--dataset", "Items", *options, "--no-stop-when-diverging", "--set", "seed=7"]) == 0
    (job,) = jobs.list_jobs()
    training = job.spec.training
    assert (training.num_epochs, training.learning_rate, training.per_device_batch_size) == (3, 0.001, 4)
    assert (training.seed, training.stop_when_diverging) == (7, False)
    assert (job.spec.method_config["rank"], job.spec.method_config["rslora"]) == (4, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--epochs", "0"], "--epochs 0: "),
        (["--rank", "many"], "--rank many: "),
        (["--method", "full", "--rank", "8"], "--rank: not a setting of this method"),
        (["--set", "rank=0"], "--set rank=0: "),
        (["--early-stopping-min-improvement", "0.1"], "--early-stopping-min-improvement 0.1 has no effect"),
    ],
)
def test_a_setting_that_cannot_work_is_named_as_it_was_written(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_dataset()
    assert main(["train", "--dataset", "Items", *words]) == 1
    assert said in capsys.readouterr().err


def test_the_shell_completes_names_and_ids() -> None:
    job = launch(make_dataset("Items-2026"))
    assert complete("dataset")("It") == [("Items-2026", job.dataset_id)]
    assert complete("dataset")("' OR") == []
    assert complete("job")("Items") == [(job.id, "Items - v1")], "a name with a blank is several words"
    assert complete("task")(job.task_id[:8])


def test_the_shell_gets_nothing_where_there_is_no_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "none"))
    assert complete("dataset")("") == []
    assert not (tmp_path / "none").exists()


def test_tab_lists_verbs_and_names(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make_dataset("Items-2026")
    monkeypatch.setenv("_SFT_COMPLETE", "complete_bash")
    for line, number, expected in (("sft hist", 1, "history"), ("sft history It", 2, "Items-2026")):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(number))
        with pytest.raises(SystemExit):
            main([])
        assert expected in capsys.readouterr().out.split()


@pytest.mark.parametrize("there", [True, False])
def test_up_opens_a_browser_or_says_that_there_is_none(
    there: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: bool(opened.append(address)) or there)
    monkeypatch.setattr("core.platform.supervisor.up", lambda say, opened: opened("http://127.0.0.1:8501") or 0)
    assert main(["up", "--open"]) == 0
    assert opened == ["http://127.0.0.1:8501"]
    assert ("Open http://127.0.0.1:8501 yourself" in capsys.readouterr().err) is not there
    assert main(["up"]) == 0
    assert len(opened) == 1
