"""The rows of `smart_rows`: each is committed when its answer arrives, so that it is never paid for twice."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, String, bindparam, cast, delete, func, insert, select, true, update

from core import arguments
from core.data.examples.likeness import spaceless_key
from core.models.llm.failures import clean
from core.platform.db.tables import TASKS, SmartRow
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import TaskContext
from core.services.data.results import WrittenResult
from core.services.data.smart.records import CLEAN, STATES, TO_CHECK, GeneratedExample, RowResult, SmartRowRecord

ROWS = SmartRow.__table__  # type: ignore[attr-defined]
RETRIED = "again"  # a refused answer that was paid for, of a row that was retried since; not a result of the row
_BEFORE_ALL = -1
_BATCH = 500
_MOST_COUNTED = 1_000
_NOTHING = (0, 0, 0, 0, 0)
# task -> the last row counted, rows, examples, flagged ones, rows with flagged ones
_counted: dict[str, tuple[int, int, int, int, int]] = {}
# In the stored JSON a text of a user cannot contain this: its quotation marks are escaped there.
_HAS_FLAGS = cast(ROWS.c.examples, String).contains('"flags": [{')
_VIEWS = {CLEAN: (ROWS.c.state == "ok") & ~_HAS_FLAGS, TO_CHECK: (ROWS.c.state == "ok") & _HAS_FLAGS}


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the rows of a task."""

    by_state: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float

    @property
    def done(self) -> int:
        return sum(self.by_state.values())

    def result(
        self, dataset_id: str, examples: int, *, version_id: str = "", flagged: int = 0, run_id: str = ""
    ) -> WrittenResult:
        """The result of the task that wrote them."""
        return WrittenResult(
            dataset_id=dataset_id, version_id=version_id, examples=examples, flagged=flagged, run_id=run_id,
            cost_usd=self.cost_usd, **self.by_state,
        )  # fmt: skip


def add(ctx: TaskContext, results: Sequence[RowResult]) -> None:
    """Commit the results of some rows, fenced by the lease; this is saved progress, so earlier crashes no longer count.

    Raises:
        LeaseLost: another worker has the task; nothing was written.
    """
    alike = ("position", "line", "state", "prompt_tokens", "completion_tokens", "attempts")
    rows = [
        {name: getattr(result, name) for name in alike}
        | {
            "task_id": ctx.lease.task_id,
            "reason": clean(arguments.whole(result.reason)),
            "cost_usd": result.cost_usd or 0.0,
        }
        | {"examples": [example.to_dict() for example in result.examples], "created_at": time.time()}
        for result in results
    ]

    def keep(uow: UnitOfWork) -> None:
        uow.insert_new(ROWS, rows)
        uow.execute(update(TASKS).where(ctx.lease.held).values(crashes=0))

    ctx.write(keep)


def forget(ctx: TaskContext, positions: Iterable[int]) -> None:
    """Delete rows that cost nothing, so that they are sent again."""
    of_these = (ROWS.c.task_id == ctx.lease.task_id) & ROWS.c.position.in_(list(positions)) & (ROWS.c.attempts > 0)
    unpaid = (ROWS.c.prompt_tokens == 0) & (ROWS.c.completion_tokens == 0) & (ROWS.c.state == "failed")
    ctx.write(lambda uow: uow.execute(delete(ROWS).where(of_these & unpaid)))


def forget_failed(uow: UnitOfWork, task_id: str) -> int:
    """Reset every failed row of a task, so that it is sent again; return how many.

    Refused answers were paid for too: the row remains for its cost (state RETRIED), at a position that no row of the
    file has.
    """
    failed = (ROWS.c.task_id == task_id) & (ROWS.c.state == "failed")
    aside = update(ROWS).where(failed).values(state=RETRIED, position=-ROWS.c.id)
    return int(uow.session.connection().execute(aside).rowcount)


def settle_again(uow: UnitOfWork, run_id: str, task_id: str) -> None:
    """Write the results of retried rows into their run, with the cost of both."""
    connection = uow.session.connection()
    of_run = (ROWS.c.task_id == run_id) & (ROWS.c.position == bindparam("new_position")) & (ROWS.c.state == "failed")
    replaced, added = ("state", "reason", "examples"), ("prompt_tokens", "completion_tokens", "cost_usd", "attempts")
    changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in replaced}
    changes |= {name: ROWS.c[name] + bindparam(f"new_{name}") for name in added}
    after = _BEFORE_ALL
    while rows := _batch(uow, (ROWS.c.task_id == task_id) & (ROWS.c.position >= 0), after):
        after = int(rows[-1]["position"])
        values = [{f"new_{name}": row[name] for name in ("position", *replaced, *added)} for row in rows]
        connection.execute(update(ROWS).where(of_run).values(changes), values)
    aside = select(ROWS).where(ROWS.c.task_id == task_id, ROWS.c.state == RETRIED)
    for row in connection.execute(aside).mappings().all():
        copied = {name: value for name, value in row.items() if name != "id"}
        connection.execute(insert(ROWS).values({**copied, "task_id": run_id}))


def positions(task_id: str, state: str | None = None) -> set[int]:
    """Positions of the finished rows (in a state)."""
    query = select(ROWS.c.position).where(ROWS.c.task_id == task_id, ROWS.c.position >= 0)
    if state:
        query = query.where(ROWS.c.state == state)
    with UnitOfWork(write=False) as uow:
        return set(uow.session.connection().execute(query).scalars())


def totals(task_id: str) -> Totals:
    """Counts and sums; every state is a key."""
    sums = [
        func.coalesce(func.sum(column), 0)
        for column in (ROWS.c.prompt_tokens, ROWS.c.completion_tokens, ROWS.c.cost_usd)
    ]
    query = select(ROWS.c.state, func.count(), *sums).where(ROWS.c.task_id == task_id).group_by(ROWS.c.state)
    with UnitOfWork(write=False) as uow:
        found = uow.session.connection().execute(query).all()
    counts = {str(row[0]): int(row[1]) for row in found}
    return Totals(
        {state: counts.get(state, 0) for state in STATES},
        sum(int(row[2]) for row in found),
        sum(int(row[3]) for row in found),
        sum(float(row[4]) for row in found),
    )


def page(task_id: str, state: str | None = None, offset: int = 0, limit: int = 20) -> list[SmartRowRecord]:
    """Some rows of a task in their order; see `runs.rows` for the states."""
    query = select(ROWS).where(ROWS.c.task_id == task_id, ROWS.c.position >= 0)
    if state:
        query = query.where(_VIEWS.get(state, ROWS.c.state == state))
    query = query.order_by(ROWS.c.position).offset(arguments.count(offset)).limit(arguments.count(limit))
    with UnitOfWork(write=False) as uow:
        return [_record(row) for row in uow.session.connection().execute(query).mappings()]


def stream(task_id: str, state: str | None = None) -> Iterator[SmartRowRecord]:
    """Every row of a task in order, a batch at a time."""
    condition = (ROWS.c.task_id == task_id) & (ROWS.c.state == state if state else true())
    after = _BEFORE_ALL
    while True:
        with UnitOfWork(write=False) as uow:
            rows = [_record(row) for row in _batch(uow, condition, after)]
        if not rows:
            return
        yield from rows
        after = rows[-1].position


def _batch(uow: UnitOfWork, condition: ColumnElement[bool], after: int) -> Sequence[RowMapping]:
    query = select(ROWS).where(condition, ROWS.c.position > after).order_by(ROWS.c.position).limit(_BATCH)
    return uow.session.connection().execute(query).mappings().all()


@dataclass(frozen=True, slots=True)
class ExampleCounts:
    """The examples of a task: `flagged` of them need a review, which are those of `to_check` rows."""

    examples: int = 0
    flagged: int = 0
    to_check: int = 0


def example_counts(task_id: str) -> ExampleCounts:
    """The number of examples of a task, and how many of them are flagged.

    A screen asks every second: rows that were counted are not read again, unless failed rows among them were retried
    since and have examples now.
    """
    ready = (ROWS.c.task_id == task_id) & (ROWS.c.state == "ok")
    with UnitOfWork(write=False) as uow:
        connection = uow.session.connection()
        after, counted, total, flagged, rows = _counted.get(task_id, _NOTHING)
        if connection.execute(select(func.count()).where(ready, ROWS.c.id <= after)).scalar_one() != counted:
            after, counted, total, flagged, rows = _NOTHING
        query = select(ROWS.c.id, ROWS.c.examples).where(ready, ROWS.c.id > after)
        for row_id, examples in connection.execute(query.execution_options(yield_per=_BATCH)):
            doubtful = sum(bool(example.get("flags")) for example in examples)
            after = max(after, row_id)
            counted += 1
            total += len(examples)
            flagged += doubtful
            rows += bool(doubtful)
    if len(_counted) >= _MOST_COUNTED:
        _counted.clear()
    _counted[task_id] = (after, counted, total, flagged, rows)
    return ExampleCounts(total, flagged, rows)


def key_of_example(example: GeneratedExample) -> bytes:
    """Looser than the identity of an example: a model that repeats itself with other spaces repeats itself."""
    return spaceless_key(message.content for message in example.messages if message.role != "system")


def _record(row: Any) -> SmartRowRecord:
    values = {name: row[name] for name in SmartRowRecord.__dataclass_fields__ if name not in ("examples", "cause")}
    return SmartRowRecord(**values, examples=tuple(GeneratedExample.of(item) for item in row["examples"]))
