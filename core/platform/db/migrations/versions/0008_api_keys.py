"""Keys of the API: hash, visible prefix, scopes, expiry"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "api_keys",
        "id name prefix hash scopes:json expires_at:float? last_used_at:float? revoked_at:float? created_at:float",
        unique=["prefix"],
    )
