"""What a hosted job has cost: the service's own bill, else its trained tokens at the known price."""

from __future__ import annotations

from sqlalchemy import select

from core.platform.db.tables import HOSTED_RUNS, JOBS
from core.platform.db.uow import read
from core.platform.tasks.records import TaskRecord
from core.services.training.cost.table import price_of


def spent(task: TaskRecord) -> float | None:
    """US dollars of all submissions of a job; None where neither bills nor prices are known, 0 before the first."""
    columns = (HOSTED_RUNS.c.remote_id, HOSTED_RUNS.c.billed_usd, HOSTED_RUNS.c.details, HOSTED_RUNS.c.connection_id)
    query = select(*columns, HOSTED_RUNS.c.service, JOBS.c.base_model).join(JOBS, JOBS.c.id == HOSTED_RUNS.c.job_id)
    total = 0.0
    for row in read(query.where(JOBS.c.id == str(task.payload["job_id"]))):
        if not row.remote_id:
            continue
        usd = row.billed_usd
        if usd is None:
            price = price_of(row.connection_id, row.service, row.base_model, None)
            tokens = row.details.get("trained_tokens")
            if price is None or tokens is None:
                return None
            usd = price.cost(int(tokens))
        total += usd
    return total
