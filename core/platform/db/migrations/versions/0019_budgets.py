"""Budgets with their reservations, and prices of hosted training"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.platform.db.creation import create_table

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table("budgets", "kind limit_micros:bigint? warned changed_by changed_at:float")
    create_table(
        "budget_reservations",
        "id kind what_id title:text provider person low_micros:bigint? amount_micros:bigint spent_micros:bigint? state "
        "override_reason:text created_at:float closed_at:float?",
        index=["what_id", "state", "created_at"],
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_budget_reservations_open",
        "budget_reservations",
        ["what_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    create_table(
        "training_prices",
        "id connection_id base_model usd:float as_of person changed_at:float",
        unique=["connection_id base_model"],
    )
