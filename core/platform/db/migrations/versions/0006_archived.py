"""Datasets, jobs and tasks can be archived; jobs can be deleted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("fine_tuning_datasets", "background_tasks", "fine_tuning_jobs"):
        op.add_column(table, sa.Column("archived_at", sa.Float(), nullable=True))
    op.add_column("fine_tuning_jobs", sa.Column("deleted_at", sa.Float(), nullable=True))
