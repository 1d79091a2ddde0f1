"""The unit of work: `with UnitOfWork() as uow:` opens a session; commit is explicit, leaving without it rolls back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import CursorResult, Executable, Row, Table
from sqlalchemy.exc import (
    DataError as DatabaseDataError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)
from sqlmodel import Session

from core.errors import DataError, StudioError
from core.platform import disk
from core.platform.db import patience
from core.platform.db.engine import get_engine

_CANNOT_STORE = (UnicodeEncodeError, OverflowError)


def _is_about_a_value(error: StatementError) -> bool:
    """Whether a driver refused a parameter, not the statement: SQLite what it cannot bind, PostgreSQL a NUL."""
    if isinstance(error, ProgrammingError):
        return "binding parameter" in str(error.orig)
    return isinstance(error, DatabaseDataError | InterfaceError) or isinstance(error.orig, TypeError | ValueError)


def _shown(error: BaseException) -> StudioError | None:
    """The error that is shown instead of a driver's; None where it stays as it is."""
    if isinstance(error, OperationalError) and disk.is_full(error):
        return disk.full()
    if isinstance(error, SQLAlchemyError) and patience.is_unavailable(error):
        return patience.unavailable(error)
    if isinstance(error, _CANNOT_STORE) or (isinstance(error, StatementError) and _is_about_a_value(error)):
        return DataError(
            "A value contains characters that can't be stored (NUL, lone surrogate), or an infinite number.",
            "Remove them.",
            code="value",
        )
    return None


class UnitOfWork:
    """One transaction.

    Raises:
        DatabaseUnavailable: on leaving; the database is busy or does not respond.

    Args:
        write: True takes SQLite's write lock at the start, so that a read followed by a write never fails with
            "database is locked".
    """

    def __init__(self, *, write: bool = True) -> None:
        self._write = write

    def __enter__(self) -> Self:
        engine = get_engine()
        if self._write and engine.dialect.name == "sqlite":
            engine = engine.execution_options(sqlite_begin="IMMEDIATE")
        self.session = Session(engine, expire_on_commit=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.session.rollback()
        finally:
            self.session.close()
        if error is not None and (shown := _shown(error)):
            raise shown from error

    def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement on tables (`core.platform.db.tables.TASKS`), not objects; with `rows`, once for each."""
        return self.session.connection().execute(statement, rows)

    def insert_new(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows whose unique key is not there yet, so that the insertion can be repeated."""
        from sqlalchemy.dialects import postgresql, sqlite  # a short command does without

        dialect = postgresql if self.session.get_bind().dialect.name == "postgresql" else sqlite
        self.execute(dialect.insert(table).on_conflict_do_nothing(), rows)

    def commit(self) -> None:
        self.session.commit()


def read(query: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a query that needs no other one in its transaction.

    Without a session and, in SQLite, without `BEGIN`: both take longer than a short query.
    """

    def rows() -> Sequence[Row[*tuple[Any, ...]]]:
        try:
            with get_engine().connect() as connection:
                connection.execution_options(sqlite_begin=None)
                return connection.execute(query).all()
        except Exception as error:
            if shown := _shown(error):
                raise shown from error
            raise

    return patience.keep_trying(rows)
