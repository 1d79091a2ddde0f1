"""API keys record their conversations on request, for some days; turns are found by model and by time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("record_days", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("api_keys", sa.Column("redact", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("conversations", sa.Column("expires_at", sa.Float(), nullable=True))
    op.create_index("ix_conversations_expires_at", "conversations", ["expires_at"])
