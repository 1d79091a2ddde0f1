"""Tasks wait: no worker takes one before `not_before`; jobs are trained at hosted services"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("background_tasks", sa.Column("not_before", sa.Float(), nullable=True))
    op.create_index("ix_background_tasks_not_before", "background_tasks", ["not_before"])
    op.add_column("fine_tuning_jobs", sa.Column("connection_id", sa.String(), nullable=True))
    op.create_index("ix_fine_tuning_jobs_connection_id", "fine_tuning_jobs", ["connection_id"])
    op.create_table(
        "hosted_runs",
        sa.Column("intent", sa.String(), primary_key=True),
        sa.Column("job_id", sa.String(), sa.ForeignKey("fine_tuning_jobs.id"), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("training_file", sa.String(), nullable=False),
        sa.Column("validation_file", sa.String(), nullable=False),
        sa.Column("attempted_at", sa.Float(), nullable=True),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("remote_status", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("last_event_id", sa.String(), nullable=False),
        sa.Column("poll_count", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("estimated_usd", sa.Float(), nullable=True),
        sa.Column("billed_usd", sa.Float(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
    )
    op.create_index("ix_hosted_runs_job_id", "hosted_runs", ["job_id"])
