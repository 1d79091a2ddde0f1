"""Metrics by name: a new metric of a run needs no column; the unused columns for a provider's own ids are removed"""

from __future__ import annotations

import math

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 5_000
METRICS = (
    "epoch", "loss", "learning_rate", "grad_norm", "tokens", "tokens_per_s", "memory_bytes", "token_accuracy",
    "memory_reserved_bytes", "mfu", "gpu_utilization", "gpu_temperature_c", "gpu_power_w",
)  # fmt: skip


def upgrade() -> None:
    # Plain ALTER TABLE, also on SQLite (3.35 or newer): copying a table there would break the rows that refer to it.
    op.add_column("metric_points", sa.Column("measured", sa.JSON(), nullable=False, server_default="{}"))
    _fill(op.get_bind())
    for name in METRICS:
        op.drop_column("metric_points", name)
    op.drop_column("fine_tuning_jobs", "provider_job_id")
    op.drop_column("fine_tuned_models", "provider_model_id")


def _fill(connection: sa.Connection) -> None:
    """Collect each point's columns in one object, in batches, so that a large table needs little memory."""
    points = sa.table(
        "metric_points", sa.column("id"), sa.column("measured", sa.JSON()), *(sa.column(name) for name in METRICS)
    )
    columns = [points.c[name] for name in METRICS]
    change = sa.update(points).where(points.c.id == sa.bindparam("row")).values(measured=sa.bindparam("values"))
    last = 0
    while True:
        query = sa.select(points.c.id, *columns).where(points.c.id > last).order_by(points.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        connection.execute(
            change, [{"row": row[0], "values": _measured(dict(zip(METRICS, row[1:], strict=True)))} for row in rows]
        )
        last = rows[-1][0]


def _measured(values: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
