"""The unit of work: `with UnitOfWork() as uow:` opens a session; commit is explicit, leaving without it rolls back."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlmodel import Session

from core.db.engine import get_engine


class UnitOfWork:
    """One transaction.

    Args:
        write: True takes SQLite's write lock at the start, so that a read-then-write never meets "database is locked".
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
        self.session.rollback()
        self.session.close()

    def commit(self) -> None:
        self.session.commit()
