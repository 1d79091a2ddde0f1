"""Tables of a revision, created from words: `kind`, `payload:json`, `started_at:float?`.

Revisions that are released depend on this file, so the meaning of a word never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

_TYPES: Final[Mapping[str, type[sa.types.TypeEngine[Any]]]] = {
    "": sa.String, "text": sa.Text, "json": sa.JSON, "int": sa.Integer, "bigint": sa.BigInteger, "float": sa.Float,
    "bool": sa.Boolean,
}  # fmt: skip


def columns(words: str) -> Iterator[sa.Column[Any]]:
    """A column for each `name:type`; a string where no type is given, NULL is allowed where the word ends in `?`."""
    for word in words.split():
        name, _, kind = word.removesuffix("?").partition(":")
        yield sa.Column(name, _TYPES[kind](), nullable=word.endswith("?"))


def create_table(
    name: str,
    words: str,
    *,
    refers: Mapping[str, str] | None = None,
    unique: Sequence[str] = (),
    index: Sequence[str] = (),
) -> None:
    """Create a table with its indexes; the first column is the primary key.

    Args:
        words: as in `columns`.
        refers: columns that contain the id of a row of another table.
        unique, index: column names, several of one constraint or index separated by spaces.
    """
    op.create_table(
        name,
        *columns(words),
        *(sa.ForeignKeyConstraint([column], [f"{other}.id"]) for column, other in (refers or {}).items()),
        sa.PrimaryKeyConstraint(words.split()[0].partition(":")[0]),
        *(sa.UniqueConstraint(*names.split()) for names in unique),
    )
    for names in index:
        op.create_index(f"ix_{name}_{names.replace(' ', '_')}", name, names.split())
