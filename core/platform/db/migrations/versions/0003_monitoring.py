"""Monitoring: token accuracy, the GPU's own figures, and what the model answers while it learns"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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
    op.create_table(
        "sample_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["fine_tuning_jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "step", "position"),
    )
    with op.batch_alter_table("sample_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sample_answers_job_id"), ["job_id"], unique=False)
