"""A connection names the service that trains there"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("llm_connections", sa.Column("training", sa.String(), nullable=False, server_default=""))
