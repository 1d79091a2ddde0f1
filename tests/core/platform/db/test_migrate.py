"""The migrated schema is the tables' schema, on SQLite and PostgreSQL, also when two processes migrate at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from core.data.samples import SAMPLES
from core.data.versions.manifest import Manifest
from core.data.versions.writer import VersionWriter
from core.errors import SettingsError
from core.messages import Example
from core.platform.db import migrate
from core.platform.db.engine import get_engine
from core.platform.storage import get_storage
from core.services.platform import tasks
from core.services.serving import evaluating
from core.services.serving.evaluating import testing
from core.services.training import metrics, models


def differences() -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with get_engine().connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)


def schema() -> list[list[object]]:
    """Of each table its columns, keys and indexes, in no order that depends on how they were made."""
    found = inspect(get_engine())
    tables = []
    for name in sorted(found.get_table_names()):
        columns = found.get_columns(name)
        parts = {
            "columns": [(item["name"], str(item["type"]), item["nullable"], item["default"]) for item in columns],
            "refers": [(item["constrained_columns"], item["referred_table"]) for item in found.get_foreign_keys(name)],
            "unique": [item["column_names"] for item in found.get_unique_constraints(name)],
            "indexes": [(item["name"], item["column_names"], item["unique"]) for item in found.get_indexes(name)],
        }
        key = found.get_pk_constraint(name)["constrained_columns"]
        tables.append([name, key, *(sorted(map(repr, part)) for part in parts.values())])
    return tables


def test_the_migrated_schema_matches_the_tables(database: str) -> None:
    assert migrate.current() == migrate.head()
    assert differences() == []


def test_an_empty_database_gets_what_the_revisions_make(database: str) -> None:
    created = schema()
    with get_engine().begin() as connection:
        SQLModel.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        assert inspect(connection).get_table_names() == []
        migrate._run_revisions(connection)
    assert migrate.current() == migrate.head()
    assert differences() == []
    assert schema() == created


def test_a_command_leaves_the_database_in_one_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "fresh"))
    subprocess.run([sys.executable, "-m", "core.cli", "datasets"], check=True, timeout=60, capture_output=True)
    assert [path.name for path in (tmp_path / "fresh").glob("studio.db*")] == ["studio.db"]


def test_an_up_to_date_database_is_not_migrated(studio_env) -> None:
    assert migrate.upgrade() is False


def test_a_database_that_was_never_migrated_has_no_revision(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "fresh"))
    assert migrate.current() is None
    assert migrate.upgrade() is True
    assert migrate.current() == migrate.head()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_processes_that_migrate_at_once_do_it_once(kind, request, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "fresh"))
    if kind == "postgres":
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE at_once")
        monkeypatch.setenv("DATABASE_URL", url.format(name="at_once"))
    code = "from core.platform.db import migrate; print(migrate.upgrade())"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in both)
    assert said == ["False", "False", "True"]
    assert migrate.current() == migrate.head()


def test_a_database_that_does_not_respond_names_the_variable(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret-pass@127.0.0.1:1/none")
    with pytest.raises(SettingsError, match="does not respond") as refused:
        migrate.upgrade()
    assert "DATABASE_URL" in refused.value.remedy
    assert "s3cret-pass" not in str(refused.value)


def test_a_database_of_a_newer_studio_is_not_migrated(studio_env) -> None:
    with get_engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer than this version"):
        migrate.upgrade()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_points_of_an_earlier_release_keep_their_values(
    kind, request, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "earlier"))
    if kind == "postgres":
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE earlier")
        monkeypatch.setenv("DATABASE_URL", url.format(name="earlier"))
    with get_engine().begin() as connection:
        command.upgrade(migrate._config(connection), "0003")
    with get_engine().begin() as connection:
        _fill_0003(connection)
    assert migrate.upgrade() is True
    assert differences() == []
    first, *_, last = metrics.since("job_1")
    assert (first.step, first.split, first.created_at) == (1, "train", 5.0)
    assert first.values == {"epoch": 0.5, "loss": 1.25, "tokens": 3_000_000_000, "mfu": 0.25}  # no value is left out
    assert (last.step, last.values) == (7_000, {"epoch": 1.0, "loss": 0.5, "tokens": 1})
    with get_engine().connect() as connection:
        query = "SELECT name, line_id, version FROM fine_tuned_models ORDER BY id"
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    assert found == [("Model", "fm_1", 1), ("Retrained on other data", "fm_1", 2), ("Another", "fm_3", 1)]


def _fill_0003(connection: Connection) -> None:
    """A finished job with 7,000 points, two more, and the model of each, as the release before wrote them."""
    for statement in (
        *(
            "INSERT INTO background_tasks (id, kind, title, queue, payload, state, reason, attempt, crashes, "
            "lease_epoch, lease_allowance_s, command, progress, phase, message, error, result, created_at, updated_at) "
            f"VALUES ('task_{n}', 'training', '', 'gpu', '{{}}', 'succeeded', '', 1, 0, 1, 0, '', 9, '', '', '{{}}', "
            "'{}', 0, 0)"
            for n in (1, 2, 3)
        ),
        *(
            "INSERT INTO fine_tuning_datasets (id, name, description, state, origin, created_at, updated_at) "
            f"VALUES ('ds_{n}', 'Data', '', 'validated', 'upload', 0, 0)"
            for n in (1, 2, 3)
        ),
        "INSERT INTO dataset_versions (id, dataset_id, number, path, examples_sha256, examples, train_examples, "
        "validation_examples, size_bytes, manifest, parents, created_at) "
        "VALUES ('dv_1', 'ds_1', 1, 'x', '', 1, 1, 0, 1, '{}', '[]', 0)",
        *(
            "INSERT INTO fine_tuning_jobs (id, name, description, task_id, dataset_id, dataset_version_id, provider, "
            "base_model, method, spec, parent_job_id, forecast, measured, created_at) VALUES ("
            f"'job_{n}', 'Job', '', 'task_{n}', 'ds_{n}', 'dv_1', 'local', 'starter', 'lora', '{{}}', {parent}, "
            "'{}', '{}', 0)"
            for n, parent in ((1, "NULL"), (2, "'job_1'"), (3, "NULL"))
        ),
        *(
            "INSERT INTO fine_tuned_models (id, name, job_id, dataset_id, base_model, method, state, version, path, "
            f"size_bytes, manifest, notes, created_at) VALUES ('fm_{n}', '{name}', 'job_{n}', 'ds_{n}', 'starter', "
            f"'lora', 'active', 1, 'x', 1, '{{}}', '', {n})"
            for n, name in ((1, "Model"), (2, "Retrained on other data"), (3, "Another"))
        ),
        "INSERT INTO metric_points (job_id, split, step, epoch, loss, tokens, mfu, created_at) "
        "VALUES ('job_1', 'train', 1, 0.5, 1.25, 3000000000, 0.25, 5)",
    ):
        connection.exec_driver_sql(statement)
    point = "INSERT INTO metric_points (job_id, split, step, epoch, loss, tokens, created_at) "
    connection.execute(
        text(point + "VALUES ('job_1', 'train', :step, 1.0, 0.5, 1, 0)"), [{"step": step} for step in range(2, 7_001)]
    )


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_tests_of_an_earlier_release_become_evaluations(kind, request, tmp_path, monkeypatch) -> None:
    from alembic import command

    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "earlier"))
    if kind == "postgres":
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE tested")
        monkeypatch.setenv("DATABASE_URL", url.format(name="tested"))
    with get_engine().begin() as connection:
        command.upgrade(migrate._config(connection), "0020")
    with get_engine().begin() as connection:
        _fill_0020(connection, _write_version())
    found = SAMPLES.get("tickets")
    assert migrate.upgrade() is True
    assert differences() == []

    assert {task.kind for task in tasks.list_tasks()} == {"training", "evaluation"}
    (model,) = models.list_models()
    scores = models.scores(model)
    assert [(one.title, one.tuned.text, one.base.text if one.base else "") for one in scores[:3]] == [
        ("Test split: All fields right", "50.0%", "0.0%"),
        ("Held-out examples: Exact match", "72.4%", "1.7%"),
        ("Training examples: Exact match", "98.2%", "0.0%"),
    ]
    by_id = {one.task_id: one for one in evaluating.newest()}
    split, shares, lost, waiting = (by_id[f"test_{number}"] for number in range(4))
    assert [part.part for part in evaluating.report(split)] == [found.test[0].source, found.test[-1].source]
    (asked,) = (question for part in evaluating.report(split)[:1] for question in part.questions)
    assert (asked.asked.question, asked.tuned_right) == (found.test[0].messages[0].content, True)
    assert evaluating.cases(split, model.id)[1] == 2
    assert [part.figures[-1].tuned.right for part in evaluating.report(shares)] == [55, 42]
    assert evaluating.answered_right(model.id) >= {("train", found.train[0].messages[0].content)}
    # What is no longer in the dataset keeps its figures and its text.
    assert tasks.get_task(lost.task_id).result["carried_over"]["questions"][0]["question"] == "Not there any more"
    assert lost.summary is not None
    assert lost.summary.models[0].scores[0].text == "100.0%"
    # One that had not begun asks the same as an evaluation.
    assert (waiting.summary, waiting.split, [one.kind for one in waiting.models]) == (None, "test", ["tuned", "base"])
    running = testing.running(model.id)
    assert running is not None
    assert running.id == "test_3"
    assert running.payload["evaluation_id"] == waiting.id


def _asked() -> list[Example]:
    """Two examples of each: to train on, and for testing, the latter with different sources."""
    found = SAMPLES.get("tickets")
    return [*found.train[:2], found.test[0], found.test[-1]]


def _write_version() -> Manifest:
    """The files of a version with these examples."""
    with tempfile.TemporaryDirectory() as folder:
        with VersionWriter(Path(folder)) as writer:
            for example in _asked():
                writer.add(example)
            written = writer.finish()
        get_storage().put_dir(Path(folder), "datasets/dv_1")
    about = (written.counts(), written.examples_sha256, written.split, written.findings)
    return Manifest("ds_1", "dv_1", 1, 0.0, "sample", *about, rules=1)


def _fill_0020(connection: Connection, manifest: Manifest) -> None:
    """A model with tests of every sort, as the release before wrote them."""

    def question(example: Example, tuned: str) -> dict[str, str]:
        asked, expected = (message.content for message in example.messages)
        return {"split": example.split, "question": asked, "expected": expected, "base": "no", "tuned": tuned,
                "part": example.source}  # fmt: skip

    trained, _, first, second = _asked()
    right = first.messages[1].content
    by_field = {"questions": [question(first, right), question(second, '{"team": "none"}')]}
    by_split = {
        "base": {"train": 0.0, "validation": 0.017},
        "tuned": {"train": 55 / 56, "validation": 42 / 58},
        "counts": {"train": 56, "validation": 58},
        "samples": [question(trained, trained.messages[1].content)],
    }
    lost = {"questions": [question(first, right) | {"question": "Not there any more"}]}
    row = (
        "INSERT INTO background_tasks (id, kind, title, queue, payload, state, reason, attempt, crashes, lease_epoch, "
        "lease_allowance_s, command, progress, phase, message, error, result, created_at, updated_at) VALUES "
        "(:id, :kind, 'Test', 'gpu', :payload, :state, '', 1, 0, 1, 0, '', 9, '', '', '{}', :result, :at, 0)"
    )
    payload = json.dumps({"job_id": "job_1", "dataset_version_id": "dv_1"})
    for number, (task_kind, result) in enumerate(
        (("test_split", by_field), ("exact_match", by_split), ("test_split", lost), ("test_split", {}))
    ):
        state = "succeeded" if result else "pending"
        stored = json.dumps({"schema_version": 1} | result if result else {})
        values = {"id": f"test_{number}", "kind": task_kind, "payload": payload, "state": state, "result": stored}
        values["at"] = 10 - number
        connection.execute(text(row), values)
    values = {"id": "task_1", "kind": "training", "payload": "{}", "state": "succeeded", "result": "{}", "at": 0}
    connection.execute(text(row), values)
    for statement in (
        "INSERT INTO fine_tuning_datasets (id, name, description, state, origin, created_at, updated_at) "
        "VALUES ('ds_1', 'Data', '', 'validated', 'upload', 0, 0)",
        "INSERT INTO dataset_versions (id, dataset_id, number, path, examples_sha256, examples, train_examples, "
        "validation_examples, size_bytes, manifest, parents, created_at) "
        "VALUES ('dv_1', 'ds_1', 1, 'datasets/dv_1', '', 4, 2, 0, 1, '{}', '[]', 0)",
        "INSERT INTO fine_tuning_jobs (id, name, description, task_id, dataset_id, dataset_version_id, provider, "
        "base_model, method, spec, forecast, measured, created_at) VALUES ('job_1', 'Job', '', 'task_1', 'ds_1', "
        "'dv_1', 'local', 'starter', 'lora', '{}', '{}', '{}', 0)",
        "INSERT INTO fine_tuned_models (id, name, line_id, job_id, dataset_id, base_model, method, state, version, "
        "path, size_bytes, manifest, notes, created_at) VALUES ('fm_1', 'Model', 'fm_1', 'job_1', 'ds_1', 'starter', "
        "'lora', 'active', 1, 'x', 1, '{}', '', 0)",
    ):
        connection.exec_driver_sql(statement)
    written = json.dumps(manifest.to_dict())
    connection.execute(text("UPDATE dataset_versions SET manifest = :written"), {"written": written})
