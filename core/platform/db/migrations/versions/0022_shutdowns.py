"""When providers switch models off"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "model_shutdowns",
        "id host model shutdown_on jobs_end_on source:text seen_on by_hand:bool updated_at:float",
        unique=["host model"],
    )
