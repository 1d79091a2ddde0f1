"""Notices, their targets and deliveries, and what each person has read"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "notices",
        "id:int kind title text:text link person once? created_at:float",
        unique=["once"],
        index=["created_at"],
    )
    create_table(
        "notice_targets",
        "id name service shown address_file address_env kinds:json person enabled:bool failures:int error:text "
        "failed_at:float? delivered_at:float? created_at:float updated_at:float",
        unique=["name"],
    )
    create_table(
        "notice_deliveries",
        "id notice_id:int target_id created_at:float",
        unique=["notice_id target_id"],
        index=["target_id"],
        refers={"notice_id": "notices", "target_id": "notice_targets"},
    )
    create_table("notice_readers", "person read_id:int read_at:float")
