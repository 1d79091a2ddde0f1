"""An example written by hand may have tools and a rejected answer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("tools", "rejected"):
        op.add_column("training_examples", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
