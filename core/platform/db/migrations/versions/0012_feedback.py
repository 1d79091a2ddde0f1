"""Feedback on answers, and corrections of them"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "feedback",
        "id turn_id conversation_id agent_id model_id author thumb:int stars:int reasons:json comment:text "
        "snapshot:json created_at:float updated_at:float",
        unique=["turn_id author"],
        index=["turn_id", "conversation_id", "agent_id model_id", "updated_at"],
    )
    create_table(
        "corrections",
        "id turn_id conversation_id agent_id model_id author proposed:text text:text edited_by edited_at:float? state "
        "decided_by decided_at:float? snapshot:json dataset_id version_id created_at:float updated_at:float",
        index=["turn_id", "conversation_id", "dataset_id", "state created_at", "agent_id state", "model_id state"],
    )
