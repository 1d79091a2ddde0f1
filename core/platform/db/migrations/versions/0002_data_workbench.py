"""The data workbench: language-model connections, what a model made of each row, where an upload came from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.platform.db.creation import create_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "llm_connections",
        "id name kind base_url key_env key_file prices:json settings:json created_at:float updated_at:float",
        unique=["name"],
    )
    create_table(
        "smart_rows",
        "id:int task_id position:int line:int state reason:text examples:json prompt_tokens:bigint "
        "completion_tokens:bigint cost_usd:float attempts:int created_at:float",
        refers={"task_id": "background_tasks"},
        unique=["task_id position"],
        index=["task_id"],
    )
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(), nullable=False, server_default="upload"))
