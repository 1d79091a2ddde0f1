"""The DuckDB that reads files: one for all threads of a process, a separate one where a process may fork."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.examples import parquet


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The DuckDBs that were opened, in a process that has none yet."""
    import duckdb

    opened: list[str] = []
    connect = duckdb.connect

    def noted(*args: Any, **options: Any) -> Any:
        opened.append(args[0])
        return connect(*args, **options)

    monkeypatch.setattr(duckdb, "connect", noted)
    monkeypatch.setattr(parquet, "_shared", {})
    return opened


def in_threads(act: Callable[[], object], count: int) -> list[object]:
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(act())) for _ in range(count)]
    for thread in threads:
        thread.start()
        thread.join()
    return results


def total(path: Path) -> int:
    with parquet.reading() as connection:
        ((found,),) = connection.execute("SELECT sum(n) FROM read_parquet(?)", [str(path)]).fetchall()
        return int(found)


def test_threads_share_one_and_read_what_is_there_now(tmp_path: Path, opened: list[str]) -> None:
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), path)
    assert in_threads(lambda: total(path), 3) == [6, 6, 6]
    pq.write_table(pa.table({"n": [10, 20]}), path)  # findings are written again in the same place
    assert in_threads(lambda: total(path), 2) == [30, 30]
    assert len(opened) == 1


def test_one_that_broke_is_opened_again(opened: list[str]) -> None:
    import duckdb

    def break_it() -> None:
        with pytest.raises(duckdb.FatalException), parquet.reading():
            raise duckdb.FatalException("the database has been invalidated")

    in_threads(break_it, 2)
    assert len(opened) == 2


def test_a_process_that_may_fork_opens_a_separate_one(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.platform.forking.may_fork", lambda: True)
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"n": [1]}), path)
    assert [total(path), total(path)] == [1, 1]
    assert len(opened) == 2
    assert parquet._shared == {}
