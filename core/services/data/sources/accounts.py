"""The account of an upload: which fields reach the examples and which do not, before anything is created."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache

from core.data.conversion import fields
from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.data.conversion.fields import Account
from core.data.conversion.labeling import Recipe
from core.data.conversion.late_fields import LateFields, LateRows, completed
from core.data.conversion.shape_columns import is_verbatim
from core.data.issues import finding
from core.messages import Finding, Reject, Row
from core.platform.storage import get_storage
from core.services.data.sources import uploads
from core.text import plural

_NAMED = 12  # fields in one sentence


def account(source_id: str, recipe: Recipe) -> Account:
    """The account of an upload's first rows for a recipe, and of the late fields that a conversion has found.

    Raises:
        DataError: the recipe does not fit the table.
    """
    found = _account(source_id, json.dumps(recipe.to_dict(), sort_keys=True), _late_key(source_id))
    return completed(found, recipe, late(source_id))


def late(source_id: str) -> LateRows:
    """The columns that a conversion found behind the first rows of an upload, with rows that fill them."""
    key = _late_key(source_id)
    kept = json.loads(get_storage().read_bytes(key)) if get_storage().exists(key) else {}
    return {name: [Row(line, fields) for line, fields in several] for name, several in kept.items()}


def remember(source_id: str, found: LateFields) -> None:
    """Keep the fields that a conversion found behind the first rows of an upload, for every further account of it."""
    if found.rows:
        kept = {name: [(row.line, dict(row.fields)) for row in several] for name, several in found.rows.items()}
        get_storage().write_bytes(_late_key(source_id), json.dumps(kept, default=str).encode())


def _late_key(source_id: str) -> str:
    """The place of the late fields of an upload as it is read now."""
    way = json.dumps(uploads.detection(source_id).to_dict(), sort_keys=True)
    return f"sources/{source_id}/late-{hashlib.sha256(way.encode()).hexdigest()[:16]}.json"


@lru_cache(maxsize=32)  # shown, then checked before the dataset is created
def _account(source_id: str, recipe: str, _way: str) -> Account:
    return fields.account(Recipe.of(json.loads(recipe)), uploads.read(source_id))


def findings_of_rows(rows: Sequence[Row | Reject], shape: str) -> list[Finding]:
    """What a file in a known shape leaves out, for a report on it; by its first rows."""
    known = CHAT_SHAPES.get(shape)
    if all(isinstance(row, Row) and is_verbatim(known, row.fields) for row in rows):
        return []  # most chat files; the account would cost as much as the check of 10 MB
    return findings(fields.account(Recipe(shape=shape), rows, len(rows)))


def findings(found: Account) -> list[Finding]:
    """The fields that are not used, as findings about the file."""
    made = []
    for code, items in (("fields_left_out", found.undecided(())), ("columns_unused", found.named)):
        if items:
            listed = ", ".join(_listed(item, found) for item in items[:_NAMED])
            more = f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""
            made.append(finding(code, f"These fields do not reach the examples: {listed}{more}."))
    for item in found.placeholders:
        rows = f"{item.rows:,} of {plural(found.rows, 'row')}"
        text = f"`{item.name}` is read as empty in {rows}: it says {item.shown}."
        made.append(finding("placeholder_input", text, field=item.name))
    return [*made, *found.doubts]


def _listed(item: fields.LeftOut, found: Account) -> str:
    meaning = f"{item.meaning}; " if item.meaning else ""
    return f"`{item.name}` ({meaning}{found.where(item) if item.since else found.of(item)})"
