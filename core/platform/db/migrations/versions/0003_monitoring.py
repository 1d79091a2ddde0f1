"""Monitoring: token accuracy, the GPU's own figures, and what the model answers while it learns"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.platform.db.creation import create_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MEASURED = ("token_accuracy", "mfu", "gpu_utilization", "gpu_temperature_c", "gpu_power_w")


def upgrade() -> None:
    with op.batch_alter_table("metric_points", schema=None) as batch_op:
        batch_op.add_column(sa.Column("memory_reserved_bytes", sa.BigInteger(), nullable=True))
        for name in _MEASURED:
            batch_op.add_column(sa.Column(name, sa.Float(), nullable=True))
    create_table(
        "sample_answers",
        "id:int job_id step:int position:int split messages:json expected:text answer:text cut:bool created_at:float",
        refers={"job_id": "fine_tuning_jobs"},
        unique=["job_id step position"],
        index=["job_id"],
    )
