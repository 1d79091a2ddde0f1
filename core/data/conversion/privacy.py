"""Warnings about personal data in the columns that become examples, before anything is created."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.conversion.profiles import Column
from core.data.examples.sensitive import SENSITIVE_KINDS
from core.data.issues import finding
from core.messages import Finding

_REMEDY = "A model may repeat it. Choose another column, or redact the dataset before training."


def privacy_findings(columns: Iterable[Column], used: Iterable[str]) -> tuple[Finding, ...]:
    """A warning for each used column with personal data or secrets in its sampled cells.

    Args:
        columns: of the table, analyzed.
        used: names of the columns that become examples.
    """
    by_name = {column.name: column for column in columns}
    chosen = [by_name[name] for name in dict.fromkeys(used) if name in by_name]
    return tuple(found for column in chosen for found in _findings(column))


def _findings(column: Column) -> Iterable[Finding]:
    content = column.content
    if content.names_people:
        text = f"`{column.name}`: names of people in {_of(round(content.people * content.sampled), content.sampled)}."
        yield finding("personal_data", text, _REMEDY, field=column.name)
    for secret, code in ((False, "personal_data"), (True, "secrets")):
        kinds = [(SENSITIVE_KINDS[kind], count) for kind, count in content.personal]
        listed = [f"{kind.title} in {_of(count, content.searched)}" for kind, count in kinds if kind.secret == secret]
        if listed:
            yield finding(code, f"`{column.name}`: {'; '.join(listed)}.", _REMEDY, field=column.name)


def _of(count: int, cells: int) -> str:
    return f"{count} of {cells} cells"
