"""The migrated schema is the tables' schema, on SQLite and PostgreSQL, also when two processes migrate at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlmodel import SQLModel

from core.errors import SettingsError
from core.platform.db import migrate
from core.platform.db.engine import get_engine


def differences() -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with get_engine().connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)


def test_migrated_schema_is_that_of_the_tables(database: str) -> None:
    assert migrate.current() == migrate.head()
    assert differences() == []


def test_an_up_to_date_database_is_left_alone(studio_env) -> None:
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


def test_a_database_that_does_not_answer_says_which_variable(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret-pass@127.0.0.1:1/none")
    with pytest.raises(SettingsError, match="does not answer") as refused:
        migrate.upgrade()
    assert "DATABASE_URL" in refused.value.remedy
    assert "s3cret-pass" not in str(refused.value)


def test_a_database_of_a_newer_studio_is_left_alone(studio_env) -> None:
    with get_engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer than this version"):
        migrate.upgrade()


def test_points_of_an_earlier_release_are_kept_and_have_no_value_where_none_was_measured(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "earlier"))
    with get_engine().connect() as connection:
        command.upgrade(migrate._config(connection), "0002")
        connection.commit()
    with closing(sqlite3.connect(tmp_path / "earlier" / "studio.db")) as file, file:  # looks at no foreign keys
        file.execute(
            "INSERT INTO metric_points (job_id, split, step, epoch, loss, tokens, created_at) "
            "VALUES ('job_1', 'train', 7, 0.5, 1.25, 300, 0)"
        )
    assert migrate.upgrade() is True
    with get_engine().connect() as connection:
        row = connection.exec_driver_sql("SELECT step, loss, token_accuracy, mfu FROM metric_points").one()
    assert tuple(row) == (7, 1.25, None, None)
