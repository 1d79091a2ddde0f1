"""Alembic's entry: runs on the connection that core/platform/db/migrate.py hands over, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import String
from sqlmodel import SQLModel

import core.platform.db.tables  # noqa: F401  registers the tables in the metadata


def _render(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write SQLModel's string type as plain SQLAlchemy, so that a revision does not depend on SQLModel."""
    return (
        "sa.String()"
        if kind == "type" and type(item).__name__ == "AutoString" and isinstance(item.impl, String)
        else False
    )


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
