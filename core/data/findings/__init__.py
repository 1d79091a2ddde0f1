"""Every finding code of the studio in one table, and the one way to make a Finding.

A code is stable: scripts test for it. docs/findings.md lists the table, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.data.findings.code import Code
from core.data.findings.table import CODES, GROUPS, document
from core.errors import DataError
from core.messages import Finding, Reject, Severity

__all__ = ["CODES", "GROUPS", "Code", "data_error", "document", "finding", "from_error", "reject"]


def finding(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int | None = None,
    field: str | None = None,
    severity: Severity | None = None,
    raw: str | None = None,
    rows: Iterable[int] = (),
) -> Finding:
    """Make a Finding; severity and remedy come from the table unless they are given."""
    known = CODES[code]
    text = known.remedy if remedy is None else remedy
    return Finding(line, field, code, severity or known.severity, message, text, raw, tuple(rows))


def reject(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int,
    raw: str,
    field: str | None = None,
    at: int | None = None,
) -> Reject:
    """Make a Reject with one finding; `at` is the line of the fault where it differs from the record's first line."""
    return Reject(line, raw, (finding(code, message, remedy, line=at or line, field=field),))


def data_error(
    code: str, message: str, remedy: str | None = None, *, line: int | None = None, field: str | None = None
) -> DataError:
    """Make a DataError with the table's remedy unless one is given."""
    return DataError(message, CODES[code].remedy if remedy is None else remedy, code=code, line=line, field=field)


def from_error(error: DataError) -> Finding:
    """The Finding that says the same as a DataError."""
    code = error.code if error.code in CODES else "data"
    return finding(code, error.message, error.remedy or None, line=error.line, field=error.field)
