"""The account of rows: the same before a conversion, from its result, and for a file of any size."""

from __future__ import annotations

import io
from typing import Any

import pytest

from core.services.data import conversion, datasets, rows_account, sources
from core.services.data.results import ConversionResult
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")
QA: dict[str, Any] = {"template": "qa", "mapping": {"key": "name", "target": "what"}}


def table(accepted: int, empty: int, wide: int = 0) -> str:
    rows = [f"Tool {n},It is tool {n}." for n in range(accepted)]
    rows += [f"Empty {n}," for n in range(empty)] + [f"Wide {n},a,b" for n in range(wide)]
    content = "name,what\n" + "\n".join(rows) + "\n"
    return sources.ingest(io.BytesIO(content.encode()), "tools.csv").id


def expected(source_id: str) -> rows_account.RowsAccount:
    return rows_account.expected(conversion.account(source_id, QA), sources.analyze(source_id).total_rows)


def converted(source_id: str) -> ConversionResult:
    task = execute(conversion.start_with(source_id, **QA, name="Tools").id, "test")
    assert task is not None
    return ConversionResult.of(task)


def test_before_and_after_are_the_same() -> None:
    source = table(32, 9, 2)
    before = expected(source)
    after = rows_account.of_result(converted(source))
    assert before == after
    assert after.sentence == "43 rows = 32 accepted + 11 left out"
    assert sum(reason.rows for reason in after.reasons) == after.left_out
    assert [row.line for row in after.first] == [34, 35, 36, 37, 38]
    assert "Empty 0" in after.first[0].raw
    assert after.first[0].reason.remedy
    shown = {row.reason.code for row in after.first}
    assert len(shown) == 1
    assert sum(reason.rows for reason in after.others) == 6
    assert all(reason.title != reason.code for reason in after.reasons)


def test_of_a_long_file_the_first_rows_are_counted_before_and_all_after() -> None:
    source = table(6_000, 5)
    before = expected(source)
    assert (
        before.sentence
        == f"The first {conversion.LOOKED_AT:,} of 6,005 rows = {conversion.LOOKED_AT:,} accepted + 0 left out"
    )
    assert rows_account.of_result(converted(source)).sentence == "6,005 rows = 6,000 accepted + 5 left out"


def test_rows_of_a_validation_file_are_not_counted_as_rows_of_the_file() -> None:
    payload = {"source_id": table(20, 1), "validation_source_id": table(5, 3), "name": "Tools", **QA}
    from core.services.platform import drafts

    task = execute(conversion.start(drafts.create("convert", payload).id).id, "test")
    assert task is not None
    result = ConversionResult.of(task)
    assert (result.read, result.rejected, sum(result.left_out.values())) == (21, 1, 1)


def test_of_a_deleted_dataset_the_counts_remain() -> None:
    result = converted(table(20, 3))
    datasets.delete(result.dataset_id, "Tools")
    account = rows_account.of_result(result)
    assert (account.sentence, account.first) == ("23 rows = 20 accepted + 3 left out", ())
    assert account.others == account.reasons
