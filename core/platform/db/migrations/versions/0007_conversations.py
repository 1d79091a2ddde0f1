"""Conversations with models: every turn with its model, adapter, template, tokens and latency"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "conversations",
        "id title renamed:bool model_id system:text settings:json revision:int created_at:float updated_at:float",
        index=["updated_at"],
    )
    create_table(
        "conversation_turns",
        "id conversation_id position:int role content:text state model_id model_name base_model adapter template_hash "
        "system:text settings:json finish_reason prompt_tokens:int completion_tokens:int first_token_s:float? "
        "seconds:float error:json created_at:float updated_at:float",
        refers={"conversation_id": "conversations"},
        unique=["conversation_id position"],
        index=["conversation_id"],
    )
