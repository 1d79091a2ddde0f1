"""The fixes that several issues offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from core.data.issues.issue import Affected, Fix


def positions(affected: Affected) -> Mapping[str, Any]:
    """Parameters of an operation that takes nothing but the examples; empty where there are none."""
    return {"positions": affected.positions} if affected.positions else {}


DROP: Final = Fix(
    "drop", "Drop {examples}", "Makes a new version without them.", "drop_rows", positions, drops_all=True
)
DROP_ALL: Final = replace(DROP, title="Drop all {n}", text="Makes a new version without any of them.")
EDIT: Final = Fix("edit", "Edit them one by one", "Opens these examples in the grid.")
