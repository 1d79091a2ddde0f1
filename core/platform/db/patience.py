"""A database that is busy or does not respond for a moment: which errors mean that, and how long work waits for it.

A screen waits no longer than the database's own timeout and shows the error. Work that holds a lease waits until the
lease has expired: a locked file or a server that restarts costs seconds, not a run.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeout

from core.errors import DatabaseUnavailable

Result = TypeVar("Result")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# Of PostgreSQL: no connection, shut down or starting, too many clients, a conflict with another transaction.
# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSES = ("08", "57P01", "57P02", "57P03", "53300", "40001", "40P01", "55P03")


class _Waiting:
    """How long this process waits at most, and how long it has waited in total. One task runs in a process."""

    limit_s = 0.0
    waited_s = 0.0


@contextmanager
def patient(limit_s: float) -> Iterator[None]:
    """Within it, everything in this process that begins to use the database waits for it, at most so long each time."""
    before, _Waiting.limit_s = _Waiting.limit_s, limit_s
    try:
        yield
    finally:
        _Waiting.limit_s = before


def waited_s() -> float:
    """How long this process has waited for the database so far: a step that waited was not a slow step."""
    return _Waiting.waited_s


def keep_trying(action: Callable[[], Result]) -> Result:
    """The result of an action that is repeated while the database is unavailable, as long as `patient` allows.

    The action must be safe to repeat: the connection may be lost after a commit and before its answer.
    """
    began, pause_s = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            return action()
        except (DatabaseUnavailable, SQLAlchemyError, sqlite3.OperationalError) as error:
            if not is_unavailable(error) or time.monotonic() - began >= _Waiting.limit_s:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def opened(open_it: Callable[[], Result]) -> Result:
    """`keep_trying` to connect or to begin a transaction; the time counts as waited."""
    began = time.monotonic()
    try:
        return keep_trying(open_it)
    finally:
        _Waiting.waited_s += time.monotonic() - began


def is_unavailable(error: BaseException) -> bool:
    """Whether an error means that the database is busy or away, and that the same statement may work later."""
    if isinstance(error, DatabaseUnavailable | PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
    state = getattr(error, "sqlstate", "")
    if state is None:  # psycopg: there was no answer, e.g. the connection was refused
        return type(error).__name__ == "OperationalError"
    return str(state).startswith(_PASSES)


def unavailable(error: SQLAlchemyError) -> DatabaseUnavailable:
    """The error that is shown instead of a driver's."""
    orig = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(orig, sqlite3.Error):
        return DatabaseUnavailable(
            "The database is busy: another program is writing to it.",
            "Try again. If it stays busy, close other programs that have opened studio.db.",
        )
    lines = str(orig or error).strip().splitlines() or ["no answer"]
    return DatabaseUnavailable(
        f"The database does not respond: {lines[0].rstrip('.')}.",
        "Check that the PostgreSQL server of DATABASE_URL is running, then try again.",
    )
