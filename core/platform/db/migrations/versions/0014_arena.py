"""Blind comparisons of two models, and the votes on them"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "arena_matches",
        "id left_id right_id left_name right_name messages:json expected:text version_id position:int? settings:json "
        "left_answer:text right_answer:text complete:bool vote author created_at:float voted_at:float?",
        index=["vote voted_at", "version_id"],
    )
