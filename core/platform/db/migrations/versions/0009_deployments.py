"""Where models are published, with the smoke test of each"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "deployments",
        "id model_id target address name route:text details:json smoke:json created_at:float updated_at:float",
        refers={"model_id": "fine_tuned_models"},
        unique=["model_id target address"],
        index=["model_id"],
    )
