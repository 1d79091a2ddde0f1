"""Requests of the API with an Idempotency-Key, and their responses"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table("api_requests", "key body_sha256 status:int response:text created_at:float", index=["created_at"])
