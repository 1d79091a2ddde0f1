"""Engines, one per URL and process: SQLite in WAL mode with foreign keys on, or PostgreSQL through psycopg."""

from __future__ import annotations

import atexit
import os
import weakref
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Float

from core.platform.db import patience
from core.settings import get_settings

BUSY_TIMEOUT_MS = 15_000  # of SQLite, for each try
CONNECT_TIMEOUT_S = 10  # of PostgreSQL, for each try; DATABASE_URL can set another


class db_now(GenericFunction[float]):  # noqa: N801  a SQL function, spelled like one
    """The database's clock as Unix seconds: leases compare times only by this clock."""

    type = Float()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _postgres_now(element: Any, compiler: Any, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


def get_engine() -> Engine:
    """The engine of the configured database, created once per process (and again after a fork)."""
    return _engine(get_settings().sqlalchemy_url, os.getpid())


@lru_cache(maxsize=8)
def _engine(url: str, pid: int) -> Engine:
    engine = _created(url)
    atexit.register(_close, weakref.ref(engine), pid)
    return engine


def _close(engine: weakref.ref[Engine], pid: int) -> None:
    """At the end of a process close its connections, so that SQLite leaves one file."""
    if (found := engine()) is not None and pid == os.getpid():
        found.dispose()


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _created(url: str) -> Engine:
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=10)

        @event.listens_for(engine, "do_connect")
        def _connect(dialect: Any, record: Any, args: Any, options: Any) -> Any:
            return patience.opened(lambda: dialect.connect(*args, **{"connect_timeout": CONNECT_TIMEOUT_S, **options}))

        return engine
    get_settings().data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        # pysqlite's own transaction handling starts a transaction too late; SQLAlchemy begins it below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
        # SQLite's own changes only the letters from A to Z, so a search for "übung" would not find "Übung".
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that reads and then writes can fail with "database is locked" at once, whatever the
        # busy timeout; writers announce it at the start (UnitOfWork(write=True)).
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        if mode is None:  # a single statement needs none
            return
        patience.opened(lambda: connection.exec_driver_sql(f"BEGIN {mode}"))

    return engine
