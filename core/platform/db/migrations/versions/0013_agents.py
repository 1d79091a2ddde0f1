"""Agents with their versions; which of them answered a conversation, and where the conversation came from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.platform.db.creation import create_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "agents",
        "id name handle description:text current_version:int archived_at:float? created_at:float updated_at:float",
        unique=["name", "handle"],
    )
    create_table(
        "agent_versions",
        "id agent_id number:int system:text model_id settings:json fallback_model_id starters:json split:json "
        "note:text author created_at:float",
        refers={"agent_id": "agents"},
        unique=["agent_id number"],
        index=["agent_id"],
    )
    for name, default in (("agent_id", ""), ("origin", "chat"), ("key_id", ""), ("thread", "")):
        op.add_column("conversations", sa.Column(name, sa.String(), nullable=False, server_default=default))
    op.create_index("ix_conversations_agent_id", "conversations", ["agent_id"])
    op.create_index("ix_conversations_key_id_thread", "conversations", ["key_id", "thread"])
    op.add_column("conversation_turns", sa.Column("agent_id", sa.String(), nullable=False, server_default=""))
    op.add_column("conversation_turns", sa.Column("agent_version", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_conversation_turns_agent_id", "conversation_turns", ["agent_id"])
    op.create_index(
        "ix_conversation_turns_model_id_conversation_id", "conversation_turns", ["model_id", "conversation_id"]
    )
