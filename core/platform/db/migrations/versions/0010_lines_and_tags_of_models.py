"""Models are versions of lines, and have tags"""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op

from core.platform.db.creation import create_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "model_tags",
        "id model_id tag",
        refers={"model_id": "fine_tuned_models"},
        unique=["model_id tag"],
        index=["tag"],
    )
    op.add_column("fine_tuned_models", sa.Column("line_id", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_fine_tuned_models_line_id", "fine_tuned_models", ["line_id"])
    _number(op.get_bind())


def _number(connection: sa.Connection) -> None:
    """Give the models that exist their lines, as `core.services.training.models.lines` did when this was written."""
    models = sa.table("fine_tuned_models", *map(sa.column, ("id", "line_id", "version")))
    jobs = connection.execute(sa.text("SELECT id, parent_job_id FROM fine_tuning_jobs")).all()
    parents: dict[str, str | None] = {row.id: row.parent_job_id for row in jobs}
    query = sa.text("SELECT id, job_id, dataset_id, base_model FROM fine_tuned_models ORDER BY created_at, id")
    by_job: dict[str, str] = {}
    by_origin: dict[tuple[str, str], str] = {}
    numbers = Counter[str]()
    for model_id, job_id, dataset_id, base_model in connection.execute(query).all():
        seen, parent = {job_id}, parents.get(job_id)
        while parent and parent not in by_job and parent not in seen:
            seen.add(parent)
            parent = parents.get(parent)
        line = by_job.get(parent or "") or by_origin.get((dataset_id, base_model)) or model_id
        by_job[job_id] = by_origin[dataset_id, base_model] = line
        numbers[line] += 1
        values = {"line_id": line, "version": numbers[line]}
        connection.execute(sa.update(models).where(models.c.id == model_id).values(values))
