"""Migrate the database to the newest schema. Safe when several processes do it at once."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from core.errors import SettingsError
from core.platform.db.engine import get_engine
from core.settings import get_settings

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 5_318_008_020_261  # any fixed number; PostgreSQL's advisory locks are named by numbers


def head() -> str:
    """The newest revision that this version of the studio knows. Files are named `0001_what.py`."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def current() -> str | None:
    """The database's revision; None when it was never migrated."""
    with get_engine().connect() as connection:
        return _revision(connection)


def upgrade() -> bool:
    """Migrate to `head()`; True if something changed.

    Only a database of an earlier release needs Alembic, whose import and revisions take a second: an up-to-date one
    costs one query, and an empty one gets its tables as they are now.

    Raises:
        SettingsError: the database does not respond, or it is newer than this version of the studio.
    """
    try:
        revision = current()
    except OperationalError as error:
        raise SettingsError(
            f"The database does not respond: {str(error.orig).strip().splitlines()[0]}.",
            "Start the database server, or correct DATABASE_URL (SFT_DATA_DIR for SQLite).",
        ) from error
    if revision == head():
        return False
    if revision is not None and revision > head():
        raise SettingsError(
            f"The database is at revision {revision}, newer than this version of the studio ({head()}).",
            "Update the studio, or choose another SFT_DATA_DIR or DATABASE_URL.",
        )
    with _one_at_a_time() as connection:
        if _revision(connection) == head():
            return False
        if inspect(connection).get_table_names():
            _run_revisions(connection)
        else:
            _create(connection)
        connection.commit()
    return True


def _run_revisions(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def _create(connection: Connection) -> None:
    """Create the tables as all revisions together would, and note the newest revision; a test compares both ways."""
    from sqlmodel import SQLModel

    import core.platform.db.tables  # noqa: F401  registers the tables in the metadata

    SQLModel.metadata.create_all(connection)
    key = "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    connection.execute(text(f"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, {key})"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head()})


def revise(message: str) -> Path:
    """Write the next revision from the difference between the (migrated) database and the tables; for developers.

    `python -m core.platform.db.migrate "what changed"`; review the file before you commit it.
    """
    from alembic import command

    with get_engine().connect() as connection:
        number = f"{int(_revision(connection) or 0) + 1:04d}"
        script = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


@contextmanager
def _one_at_a_time() -> Iterator[Connection]:
    """A connection that migrates alone: a lock file beside SQLite, an advisory lock in PostgreSQL."""
    engine = get_engine()
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
        return
    with (get_settings().data_dir / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as connection:
            yield connection


if __name__ == "__main__":
    revise(sys.argv[1])
